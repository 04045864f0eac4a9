import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  appendDurably,
  createUnlessThere,
  createWhole,
  freeBytes,
  GROUP_READABLE,
  makeDirectories,
  overwriteDurably,
  PRIVATE,
  readRange,
  removeIfThere,
  renameDurably,
} from '../../src/platform/durable.js';
import { afterwards, scratch } from '../helpers/cronrun.js';

let root: string;
let path: string;

beforeEach(() => {
  root = scratch();
  path = `${root}/journal`;
});

const mode = (file: string) => statSync(file).mode & 0o7777;
const content = () => readFileSync(path, 'utf8');

/** A umask that would take everything but the owner's rights away, for as long as the test goes on. */
function withUmask(mask: number): void {
  const before = process.umask(mask);
  afterwards(() => process.umask(before));
}

describe('makeDirectories', () => {
  it('makes all that is missing, with modes that no umask changes', () => {
    withUmask(0o077);
    makeDirectories(`${root}/a/b/c`, 0o2750);
    for (const made of ['a', 'a/b', 'a/b/c']) expect(mode(`${root}/${made}`)).toBe(0o2750);
    expect(() => makeDirectories(`${root}/a/b/c`, 0o700)).not.toThrow();
    expect(mode(`${root}/a/b/c`)).toBe(0o2750);
  });

  it('says what was there already: nobody knows whether the name of that is synced', () => {
    expect(makeDirectories(`${root}/a/b/c`, 0o700)).toBe(root);
    expect(makeDirectories(`${root}/a/b/d`, 0o700)).toBe(`${root}/a/b`);
    expect(makeDirectories(`${root}/a/b/c`, 0o700)).toBe(`${root}/a/b/c`);
  });

  it('fails where a file stands in the way', () => {
    writeFileSync(`${root}/file`, '');
    expect(() => makeDirectories(`${root}/file/a/b`, 0o700)).toThrow(/ENOTDIR/);
  });

  it('fails below a link that leads nowhere: a disk that is not mounted', () => {
    symlinkSync(`${root}/disk/cronrun`, `${root}/link`);
    expect(() => makeDirectories(`${root}/link/a/b`, 0o700)).toThrow(/^ENOENT/);
    expect(existsSync(`${root}/disk`)).toBe(false);
  });
});

describe('createWhole', () => {
  const create = (bytes = Buffer.from('whole'), rights = 0o600) =>
    createWhole(root, 'name', '.name.tmp', bytes, rights);

  it('makes a file with all of the bytes under its name and leaves no other', () => {
    withUmask(0o777);
    const { fd, syncError } = create(Buffer.from('whole'), 0o640);
    closeSync(fd);
    expect(syncError).toBeNull();
    expect(readdirSync(root)).toEqual(['name']);
    expect(readFileSync(`${root}/name`, 'utf8')).toBe('whole');
    expect(mode(`${root}/name`)).toBe(0o640);
  });

  it('hands out a descriptor by which the file can be read and overwritten', () => {
    const { fd } = create();
    overwriteDurably(fd, Buffer.from('WH'), 0);
    expect(readRange(fd, 0, 5).toString()).toBe('WHole');
    closeSync(fd);
  });

  it('touches no file that is there under its temporary name', () => {
    writeFileSync(`${root}/.name.tmp`, 'theirs');
    expect(() => create()).toThrow(/EEXIST/);
    expect(readFileSync(`${root}/.name.tmp`, 'utf8')).toBe('theirs');
  });

  it('leaves nothing behind where it fails', () => {
    mkdirSync(`${root}/name`);
    expect(() => create()).toThrow();
    expect(readdirSync(root)).toEqual(['name']);
    expect(() => createWhole(`${root}/none`, 'name', 'tmp', Buffer.from(''), 0o600)).toThrow(/ENOENT/);
  });
});

describe('appendDurably', () => {
  const append = (text: string) => appendDurably(path, PRIVATE, () => text);

  it('makes the file, with its mode, and appends to it', () => {
    withUmask(0o077);
    appendDurably(path, GROUP_READABLE, () => 'one\n');
    expect(mode(path)).toBe(0o640);
    append('two\nthree\n');
    expect(content()).toBe('one\ntwo\nthree\n');
    expect(mode(path)).toBe(0o640);
  });

  it.each([
    ['torn', '{"schema":1,"cron'],
    ['NUL', '\0\0\0\0'],
    ['a whole line that only lacks its newline', 'zero'],
  ])('closes off a last line that somebody left %s', (_what, tail) => {
    writeFileSync(path, tail);
    append('one\n');
    expect(content()).toBe(`${tail}\none\n`);
  });

  it('appends no empty line where the last one is whole, or where there is none', () => {
    writeFileSync(path, '');
    append('one\n');
    append('two\n');
    expect(content()).toBe('one\ntwo\n');
  });

  it('shows the file as it is right before to whoever composes the lines', () => {
    writeFileSync(path, 'one\n');
    appendDurably(path, PRIVATE, ({ fd, size, ino }) => {
      expect({ size, ino }).toEqual({ size: 4, ino: statSync(path).ino });
      return `${readRange(fd, 0, size).toString().trim()} again\n`;
    });
    expect(content()).toBe('one\none again\n');
  });

  it('appends once more where another writer tore its line onto ours', () => {
    let looks = 0;
    appendDurably(path, PRIVATE, () => {
      if (looks++ === 0) appendFileSync(path, '{"torn');
      return 'one\n';
    });
    expect(looks).toBe(2);
    expect(content()).toBe('{"tornone\none\n');
  });

  it('is content with lines that another writer closed off: ours are whole', () => {
    let looks = 0;
    appendDurably(path, PRIVATE, () => {
      if (looks++ === 0) appendFileSync(path, 'theirs\n');
      return 'one\n';
    });
    expect(looks).toBe(1);
    expect(content()).toBe('theirs\none\n');
  });

  it('appends once more where the file was removed or rotated meanwhile', () => {
    let looks = 0;
    appendDurably(path, PRIVATE, () => {
      if (looks++ === 0) unlinkSync(path);
      return 'one\n';
    });
    expect(content()).toBe('one\n');
  });

  it('stays with a file that was renamed meanwhile: readers find it under its new name', () => {
    appendDurably(path, PRIVATE, () => {
      renameSync(path, `${path}.1`);
      return 'one\n';
    });
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\n');
  });

  it('appends to what is left where the file was cut short meanwhile', () => {
    writeFileSync(path, 'one\ntwo\n');
    let looks = 0;
    appendDurably(path, PRIVATE, () => {
      if (looks++ === 0) truncateSync(path, 0);
      return 'three\n';
    });
    expect(content().endsWith('three\n')).toBe(true);
  });

  it('fails where what it wrote never reads back, and not silently', () => {
    expect(() =>
      appendDurably(path, PRIVATE, () => {
        if (existsSync(path)) unlinkSync(path);
        return 'one\n';
      }),
    ).toThrow(/EIO/);
  });

  it('lets every failure of the file system through', () => {
    expect(() => appendDurably(`${root}/none/journal`, PRIVATE, () => 'one\n')).toThrow(/ENOENT/);
    expect(() => appendDurably(root, PRIVATE, () => 'one\n')).toThrow(/EISDIR/);
    expect(() => appendDurably('/dev/full', PRIVATE, () => 'one\n')).toThrow(/ENOSPC|EINVAL|EPERM|EACCES/);
  });

  it('leaves whole lines behind any tail', () => {
    const line = fc.stringMatching(/^[ -~]{0,20}$/);
    fc.assert(
      fc.property(
        fc.string({ maxLength: 20 }),
        fc.array(line, { minLength: 1, maxLength: 3 }),
        (tail, lines) => {
          const file = `${root}/${readdirSync(root).length}`;
          writeFileSync(file, tail);
          appendDurably(file, PRIVATE, () => lines.map((text) => `${text}\n`).join(''));
          expect(
            readFileSync(file, 'utf8')
              .split('\n')
              .slice(-lines.length - 1),
          ).toEqual([...lines, '']);
          expect(readFileSync(file, 'utf8').startsWith(tail)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('renameDurably, removeIfThere, createUnlessThere', () => {
  it('rename within a directory', () => {
    writeFileSync(`${root}/a`, 'x');
    renameDurably(root, 'a', 'b');
    expect(readdirSync(root)).toEqual(['b']);
    expect(() => renameDurably(root, 'a', 'c')).toThrow(/ENOENT/);
  });

  it('remove what is there, and say whether it was', () => {
    writeFileSync(`${root}/a`, 'x');
    expect(removeIfThere(`${root}/a`)).toBe(true);
    expect(removeIfThere(`${root}/a`)).toBe(false);
    expect(() => removeIfThere(root)).toThrow();
  });

  it('make a file only where none is, whole or not at all', () => {
    createUnlessThere(`${root}/a`, () => Buffer.from('x'), 0o600);
    createUnlessThere(`${root}/a`, () => Buffer.from('y'), 0o600);
    expect(readFileSync(`${root}/a`, 'utf8')).toBe('x');
    const failing = () => {
      throw new Error('no bytes');
    };
    expect(() => createUnlessThere(`${root}/b`, failing, 0o600)).toThrow('no bytes');
    expect(existsSync(`${root}/b`)).toBe(false);
  });
});

describe('readRange and freeBytes', () => {
  it('read what there is between two places', () => {
    writeFileSync(path, 'abcdef');
    const fd = openSync(path, 'r');
    expect(readRange(fd, 2, 4).toString()).toBe('cd');
    expect(readRange(fd, 4, 100).toString()).toBe('ef');
    expect(readRange(fd, 100, 200).length).toBe(0);
    expect(readRange(fd, 4, 2).length).toBe(0);
    closeSync(fd);
  });

  it('say how much room there is', () => {
    expect(freeBytes(root)).toBeGreaterThan(0);
  });
});

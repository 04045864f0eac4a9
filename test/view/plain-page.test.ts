import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plainPage } from '../../src/view/plain-page.js';

const PAGE = `\
.\\" a comment
.Dd November 22, 2026
.Dt CRONRUN 1
.Os
.Sh NAME
.Nm cronrun
.Nd run a cron job and
record how it ended
.Sh SYNOPSIS
.Nm
.Cm exec
.Op Fl t Ar duration
.Ar job
.Fl \\-
.Ar command
.Nm
.Cm man
.Op Cm journal
.Sh DESCRIPTION
The wrapper\\(aqs
.Pa /var/lib/cronrun
and
.Xr crontab 5 ,
see
.Ev CRONRUN_TIMEOUT .
.Pp
.Bl -tag -width Ds
.It Fl t , Fl \\-timeout Ar duration
End it
.Sq softly .
.Pp
Or not
.Pq at all .
.It Fl -get Ar field Ns Op , Ar field ...
A list.
.El
.Ss A crontab
It is broken nowhere else
than at the end of a line that would be longer than it may be:
.Bd -literal -offset 2n
30 2 * * *  cronrun exec backup

# '\\e%' is a percent sign
.Ed
.Pp
.Bl -column "interrupted" "unverifiable"
.It Sy status Ta Sy reason
.It running Ta its word
.El
.Bl -enum
.It
First, which is so long that it goes on in the next line, where it stands below itself.
.It
Second.
.El
.Bl -bullet
.It
Third.
.El
`;

it('fills what is running text, and puts what is a list below each other', () => {
  expect(plainPage(PAGE)).toBe(`\
NAME
  cronrun - run a cron job and record how it ended

SYNOPSIS
  cronrun exec [-t duration] job -- command
  cronrun man [journal]

DESCRIPTION
  The wrapper's /var/lib/cronrun and crontab(5), see CRONRUN_TIMEOUT.

  -t, --timeout duration
        End it 'softly'.

        Or not (at all).

  --get field[, field ...]
        A list.

 A crontab
  It is broken nowhere else than at the end of a line that would be longer
  than it may be:

    30 2 * * *  cronrun exec backup

    # '\\%' is a percent sign

  status         reason
  running        its word

    1.  First, which is so long that it goes on in the next line, where it
        stands below itself.

    2.  Second.

     -  Third.
`);
});

it('keeps within 80 columns what the manual says', () => {
  for (const page of ['cronrun.1', 'cronrun-journal.5']) {
    const text = plainPage(readFileSync(join(__dirname, '../../man', page), 'utf8'));
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(text).not.toMatch(/ (?:Ns|Ta|Pq|Op|Ql|Fl|Cm|Ar|Nm|Xr) |\n\n\n/);
  }
});

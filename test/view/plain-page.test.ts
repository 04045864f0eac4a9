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
.El
`;

it('leaves the words and their order', () => {
  expect(plainPage(PAGE)).toBe(`\
NAME
  cronrun
  - run a cron job and
  record how it ended

SYNOPSIS
  cronrun
  exec
  -t duration
  job
  --
  command

DESCRIPTION
  The wrapper's
  /var/lib/cronrun
  and
  crontab(5),
  see
  CRONRUN_TIMEOUT.

  -t, --timeout duration
  End it
  softly.
`);
});

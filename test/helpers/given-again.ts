/**
 * Gives number $1 to a stranger that the words behind $2 start. Not before the clock is two ticks beyond $2, the start of
 * whoever had it: within one tick nobody can tell them apart. Only processes of this space are asked for, so nobody
 * takes the number in between.
 */
export const GIVE_AGAIN = `
pid=$1 since=$2 start=$3
while [ -e "/proc/$pid" ]; do sleep 0.01; done
until read -r up _ </proc/uptime && [ "\${up%.*}\${up#*.}" -gt $((since + 2)) ]; do sleep 0.01; done
echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
eval "$start >/dev/null 2>&1 &"
while case $(cat /proc/$!/comm) in bash | sh | setsid | python3) ;; *) false ;; esac; do sleep 0.01; done
echo $!
`;

/**
 * Starts a daemon whose session has number $1, whose owner is gone: its leader ends at once, and nobody has the number
 * itself. Says who the daemon is, and its session.
 */
export const GIVE_TO_DAEMON = `
while [ -e "/proc/$1" ]; do sleep 0.01; done
echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
python3 -c '
import os
os.setsid()
if os.fork(): os._exit(0)
os.write(1, b"%d %d" % (os.getpid(), os.getsid(0)))
for fd in range(3): os.dup2(os.open("/dev/null", os.O_RDWR), fd)
os.execvp("sleep", ["sleep", "1000"])' &
wait $!
`;

/** Strangers of every kind that may have a child's number. */
export const STRANGERS = {
  'leads a session': 'setsid sleep 1000',
  'leads a group': 'python3 -c \'import os; os.setpgid(0, 0); os.execvp("sleep", ["sleep", "1000"])\'',
  'leads nothing': 'sleep 1000',
};

export const KINDS_OF_STRANGERS = Object.keys(STRANGERS) as (keyof typeof STRANGERS)[];

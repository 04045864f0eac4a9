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

/** Strangers of every kind that may have a child's number. */
export const STRANGERS = {
  'leads a session': 'setsid sleep 1000',
  'leads a group': 'python3 -c \'import os; os.setpgid(0, 0); os.execvp("sleep", ["sleep", "1000"])\'',
  'leads nothing': 'sleep 1000',
};

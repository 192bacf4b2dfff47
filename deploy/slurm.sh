#!/bin/bash
# A run on the nodes of a Slurm job: Ray's head on the first node, a worker on each of the others.
#
#   sbatch --nodes=4 --gpus-per-node=8 deploy/slurm.sh \
#     --config cluster.yaml --seeds librispeech:/shared/LibriSpeech --num 1000000 --out /shared/runs/million
#
# Arguments of the script go to `copilot generate`. Two minutes before the time limit, or when the job is
# pre-empted, the run is asked to end and commits what it has; the job is queued again, and resumes the run. Every
# node has to see the environment below, the seeds, the voices and --out at the same paths, or as URIs.
#SBATCH --job-name=copilot
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=copilot-%j.log
set -euo pipefail

# Change: the environment with the package, how long nodes may take to join, and, if the first node has several
# networks, its address in the fast one, as COPILOT_HEAD_IP.
PATH="${COPILOT_VENV:-$PWD/.venv}/bin:$PATH"
JOIN_S="${COPILOT_JOIN_S:-600}"

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
# The script runs on the first node, which may resolve its own name to an address that others cannot reach.
named_ip="$(getent ahostsv4 "${nodes[0]}" | awk '$1 !~ /^127\./ && !n++ { print $1 }' || true)"
head_ip="${COPILOT_HEAD_IP:-${named_ip:-$(hostname -I | awk '{ print $1 }')}}"
# Several jobs may share a node if --exclusive is removed.
port=$((20000 + SLURM_JOB_ID % 10000))
address="$head_ip:$port"
# Anybody with the token can run code here: each job has its own, which srun passes to the nodes.
export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN="$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')"
export RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0

has=(--num-cpus="${SLURM_CPUS_ON_NODE:-1}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" --metrics-export-port=8080)
run_pid=
end_requested=
interrupted=

on_node() { # NODE COMMAND...: in a step of its own, so that the loss of one node ends no other step
  local node="$1"
  shift
  srun --nodes=1 --ntasks=1 --nodelist="$node" --cpus-per-task="${SLURM_CPUS_ON_NODE:-1}" --no-kill "$@" &
}

request_end() {
  end_requested=yes
  interrupted=yes
  if [ -n "$run_pid" ]; then kill -TERM "$run_pid" 2> /dev/null || true; fi
}

await_exit() { # its code in `code`; a signal interrupts `wait` before that
  interrupted=yes
  while [ -n "$interrupted" ]; do
    interrupted=
    code=0
    wait "$run_pid" || code=$?
  done
}

end_steps() {
  local steps
  steps="$(jobs -p)"
  # The list is split into words on purpose.
  # shellcheck disable=SC2086
  if [ -n "$steps" ]; then kill -TERM $steps 2> /dev/null || true; fi
}

trap request_end TERM USR1
trap end_steps EXIT

on_node "${nodes[0]}" ray start --head --node-ip-address="$head_ip" --port="$port" \
  --temp-dir="/tmp/ray-$SLURM_JOB_ID" "${has[@]}" --block
for node in "${nodes[@]:1}"; do
  on_node "$node" ray start --address="$address" "${has[@]}" --block
done

# In the background, as a signal interrupts nothing but `wait`.
timeout "$JOIN_S" python -c '
import sys, time, ray
while True:
    try:
        ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
        break
    except ConnectionError:
        time.sleep(1)
while sum(node["Alive"] for node in ray.nodes()) < int(sys.argv[2]):
    time.sleep(1)
' "$address" "${#nodes[@]}" &
run_pid=$!
await_exit
if [ "$code" != 0 ] && [ -z "$end_requested" ]; then
  echo "slurm.sh: not all of ${#nodes[@]} nodes have joined Ray within $JOIN_S s; see the log above" >&2
  exit "$code"
fi

if [ -z "$end_requested" ]; then
  copilot generate --executor ray --ray-address "$address" "$@" &
  run_pid=$!
  await_exit
fi

if [ -n "$end_requested" ] && [ "$code" != 0 ]; then
  echo "slurm.sh: the run was asked to end; the job is queued again and will resume it" >&2
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"

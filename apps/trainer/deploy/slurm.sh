#!/bin/bash
# Data parallel training on CPUs under Slurm with PMIx (`srun --mpi=list` shows it): sbatch slurm.sh config.yaml
# One process a socket; batch.micro_batches of the configuration is shared by all of them. The output folder lies on a shared file system.
#SBATCH --job-name=modernbert
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
# Three minutes before the end every process saves and stops; the same job goes on when it is requeued.
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
srun --mpi=pmix --cpu-bind=cores --kill-on-bad-exit=1 modernbert-train run "$1" --resume auto

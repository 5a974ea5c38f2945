"""A program of its own: sets limits on itself, then becomes the program that it was given.

usage: limited.py MEMORY_BYTES CPU_SECONDS FILE_BYTES PROGRAM [ARGUMENT ...]

The limits hold for the program and everything that it starts. Standing in a program of its own, no code of ours runs
between fork and exec of a process with threads.
"""

import os
import resource
import sys


def become(arguments: list[str]) -> None:
    """Replace this process by the program with its limits; raises OSError where the program cannot be run."""
    memory, cpu, file_bytes, *command = arguments
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)  # noqa: S606 - the program that an administrator has named, without a shell


if __name__ == "__main__":
    become(sys.argv[1:])

"""A command of the audit log, and at its end on standard error: the most memory that its process took, in MiB."""

import resource
import runpy
import sys

if __name__ == "__main__":
    sys.argv = ["spyne", "audit", *sys.argv[1:]]
    try:
        runpy.run_module("app.cli", run_name="__main__", alter_sys=True)
    finally:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)

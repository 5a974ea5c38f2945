"""What the processes of tests/spawning.py find imported: all that commands, the service and its workers need.

The modules which run as `__main__` are not among them. The collector of a forked process passes none of this: it would
take a quarter of a second, and copy each page that it marks.
"""

import gc

import app.commands.administration
import app.commands.audit
import app.commands.backup
import app.commands.database.revisions
import app.commands.demonstration
import app.commands.keys
import app.commands.restore
import app.commands.serving
import app.commands.snapshot
import app.commands.verify_installation
import app.main  # noqa: F401

gc.collect()
gc.freeze()

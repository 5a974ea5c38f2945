"""Why revisions and validations are refused."""

from app.addons.package.entries import ArchiveFault, shown
from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound, Problem


class RevisionNotFound(NotFound):
    """The request has no such version."""

    code, title = "addon-revision-not-found", "There is no such version of the package"


class NoRevision(Conflict):
    """The request has no package yet."""

    code, title = "no-revision", "The request has no package yet"


class PackageFileNotFound(NotFound):
    """The package has no such file."""

    code, title = "package-file-not-found", "The package has no such file"


class PackageGone(Problem):
    """The archive was removed by a rule of retention; what is known of the version stays."""

    code, title, status = "package-gone", "The package is not kept any more", 410


class ValidationNotFound(NotFound):
    """The request has no such validation run."""

    code, title = "addon-validation-not-found", "There is no such validation run"


class ValidationUnderWay(Conflict):
    """The version is being validated already."""

    code, title = "validation-under-way", "The version is being validated already"


class InvalidPackage(InvalidRequest):
    """The archive is not a package of an add-on that can be taken."""

    code, title = "invalid-package", "The package cannot be taken"

    def __init__(self, code: str, message: str, entry: str | None = None) -> None:
        fault = Fault(pointer="/file", code=code, message=message)
        right = "A .tar.gz or .spl with one folder, as the download of a version is: edit that and pack it again."
        super().__init__(f"{message} {right}", faults=[fault], entry=entry)

    @classmethod
    def of(cls, fault: ArchiveFault) -> "InvalidPackage":
        """The refusal of an archive with this fault."""
        return cls(fault.code, f"{str(fault).rstrip('.')}.", None if fault.entry is None else shown(fault.entry))

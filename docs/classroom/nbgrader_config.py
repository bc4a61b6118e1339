"""nbgrader's settings for everybody on the hub, students too: it holds nothing secret."""

import os
from pathlib import Path

from nbgrader.exchange.default import ExchangeSubmit

c = get_config()  # noqa: F821  (nbgrader provides it)


class ClosedSubmit(ExchangeSubmit):
    """Hand in so that only the student and the instructor's group can open what is handed in.

    nbgrader leaves a submission readable for everybody and hides its name. Here Linux refuses: the folder has the
    group of the inbound folder, and is closed to others.
    """

    def copy_files(self):
        """Copy as nbgrader does, then close the folder."""
        super().copy_files()
        os.chmod(os.path.join(self.inbound_path, self.assignment_filename), 0o770)


COURSE = Path(__file__).parent.parent / "courses" / "visionlab"

c.CourseDirectory.course_id = "visionlab"
if os.access(COURSE, os.X_OK):  # for the instructor only: formgrader looks there
    c.CourseDirectory.root = str(COURSE)
c.Exchange.root = str(Path(__file__).parent / "exchange")
c.ExchangeFactory.submit = ClosedSubmit

"""The one run that several tests judge."""

from tests.deploy.real_run import real_run as real_run

"""The policy folder: one file `allow.yaml`, read once at the start."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from bus.errors import NotConfigured
from services.toolrunner.policy import AllowList

FILE = "allow.yaml"


def load_allow_list(folder: str) -> AllowList:
    """The allow-list in that folder.

    Raises NotConfigured with one sentence when it cannot be read or holds what is not known.
    """
    file = Path(folder) / FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return AllowList.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{file} cannot be read ({error}); set NIGHTSHIFT_POLICY_DIR") from None
    except yaml.YAMLError as error:
        raise NotConfigured(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise NotConfigured(f"{file}: {where}: {first['msg']}") from None

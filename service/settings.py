"""Settings, from environment variables that start with KONKYO_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.checkpoint import DIRECTORY


class Settings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(env_prefix="KONKYO_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    models: Path = Field(default=DIRECTORY, description="Folder of checkpoints; all of them are loaded.")
    default_model: str = Field(default="paired-3x3", description="The checkpoint that answers when none is named.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer.")
    max_waiting: int = Field(default=64, ge=0, description="Requests a worker lets wait before it says it is busy.")
    api_keys: str = Field(default="", description="Keys, separated by commas; with any, questions need one.")
    trusted_hosts: str = Field(default="*", description="Host names to answer for, separated by commas.")
    docs: bool = Field(default=True, description="Whether /docs and /openapi.json are there.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The API keys."""
        return _listed(self.api_keys)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names to answer for; ``*`` is any."""
        return _listed(self.trusted_hosts)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())

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

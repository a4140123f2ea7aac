"""A FastAPI endpoint that reads the upload and does nothing: what no FastAPI service can be faster than."""

import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, UploadFile

app = FastAPI()


@app.post("/predict")
async def predict(file: Annotated[UploadFile, File()]) -> dict[str, int]:
    """The size of the upload."""
    return {"bytes": len(await file.read())}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")

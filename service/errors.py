"""What can be wrong with a request, in the service's own words; ``problems`` turns each into a status.

models.errors.KonkyoError
└── RequestError
    ├── MalformedUploadError      a body that cannot be taken apart
    ├── UnknownHostError          a host name that is not answered for
    ├── SlowUploadError           a body that does not arrive in time
    ├── UnsupportedUploadError    a body of a type that is not read
    ├── UnsupportedPictureError   a file that is neither PNG nor JPEG
    ├── UnreadablePictureError    a PNG or JPEG that cannot be decoded
    ├── UnsuitablePictureError    a sound picture that is not what was asked for
    ├── UnknownModelError         no checkpoint of that name
    ├── NotAcceptableError        an answer in a form that is not made
    ├── UnauthorizedError         no key, or a wrong one
    └── BusyError                 more at once than can be answered
"""

from models.errors import KonkyoError


class RequestError(KonkyoError):
    """Root of what a client can do wrong. No message repeats anything the client sent as text."""


class MalformedUploadError(RequestError):
    """A body that cannot be taken apart."""


class SlowUploadError(RequestError):
    """A body that does not arrive in time."""


class UnknownHostError(RequestError):
    """A host name that is not answered for."""


class UnsupportedUploadError(RequestError):
    """A body of a type that is not read."""


class UnsupportedPictureError(RequestError):
    """A file that is neither PNG nor JPEG."""


class UnreadablePictureError(RequestError):
    """A PNG or JPEG that cannot be decoded."""


class UnsuitablePictureError(RequestError):
    """A sound picture that is not what was asked for."""


class UnknownModelError(RequestError):
    """No checkpoint of that name."""


class NotAcceptableError(RequestError):
    """An answer in a form that is not made."""


class UnauthorizedError(RequestError):
    """No key, or a wrong one."""


class BusyError(RequestError):
    """More at once than can be answered."""

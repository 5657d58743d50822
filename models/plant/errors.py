"""What is raised when a plant file is wrong; alone, so that every module of the plant can raise it."""


class PlantError(ValueError):
    """The plant file is wrong; the message says where and how.

    A message that begins with a place, such as `assets.pump-01.type is ...`, is given its file and line on the way out.
    """

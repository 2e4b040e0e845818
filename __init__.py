# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import controllers, models, wizard
from .tools import secret_log

secret_log.watch(__name__)

# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read and write the database: the only part of sending that uses the ORM and SQL."""

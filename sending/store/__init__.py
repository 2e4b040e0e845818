# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What sending reads and writes in the database: the only part of it that knows the ORM and SQL."""

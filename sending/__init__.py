# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send SMS through gateways, from Odoo's queue to the saved result.

The way of one SMS, one module for each step:

1. `after_commit` starts a run once the transaction that made the SMS is committed; Odoo's queue action starts one too.
2. `run` is the loop: claim, dispatch, settle, save. It knows neither the ORM nor SQL.
3. `store` has all SQL: a claim marks queued SMS as Processing for this run alone; `routing` chooses their gateways and
   `throttle` their time, in the same short transaction.
4. `dispatch` makes HTTP requests of them, and hands these to the pool once the database knows that they may start.
5. `request_pool` sends the requests in parallel over kept connections; `connection` knows whether a byte was written.
6. `retry` decides by the result of each SMS: it is done, it goes to the next gateway, or back to the queue; `pauses`
   remembers which gateways get nothing more.
7. `store` saves states, notifications, traces and status rows in another short transaction.

No transaction is open while a request is under way.
"""

# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send SMS through gateways, from Odoo's queue to the saved result.

What happens to an SMS, one module per step:

1. `after_commit` starts a run once the transaction that created the SMS is committed. Odoo's queue action also starts
   runs: `queue_job`.
2. `run` is the loop: claim, dispatch, settle, save. It uses neither the ORM nor SQL.
3. `store` contains all SQL. A claim marks queued SMS as Processing for this run only; `routing` chooses their gateways
   and `throttle` their start times, in the same short transaction. `places` are those under a rate limit, and
   `claim_plan` decides when to claim again.
4. `dispatch` builds HTTP requests, and submits them to the pool once the database has recorded that they may start.
5. `request_pool` sends the requests in parallel over kept-alive connections. `connection` records whether a byte was
   written.
6. `retry` decides what follows each result: it is final, the next gateway is tried, or the SMS is queued again.
   `pauses` remembers which gateways are paused.
7. `store` saves states, notifications, traces and status rows in another short transaction.

No transaction is open while a request is in progress.
"""

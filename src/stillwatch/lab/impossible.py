"""Facts that cannot be, as SQL that must find no row."""

from __future__ import annotations

import duckdb

FACTS = {
    "traffic before sign-up": "exchanges JOIN accounts USING (account_id) WHERE ts < created_at",
    "exchange of an unknown account": "exchanges ANTI JOIN accounts USING (account_id)",
    "account without truth": "accounts ANTI JOIN truth USING (account_id)",
    "truth without account": "truth ANTI JOIN accounts USING (account_id)",
    "account listed twice": "(SELECT account_id FROM accounts GROUP BY 1 HAVING count(*) > 1)",
    "exchange_id used twice": "(SELECT exchange_id FROM exchanges GROUP BY 1 HAVING count(*) > 1)",
    "negative tokens": "exchanges WHERE least(input_tokens, output_tokens, reasoning_tokens, cached_input_tokens) < 0",
    "more cached than input tokens": "exchanges WHERE cached_input_tokens > input_tokens",
    "output beyond its limit": "exchanges WHERE output_tokens > max_output_tokens",
    "output of a failed request": "exchanges WHERE status >= 400 AND (output_tokens > 0 OR response IS NOT NULL)",
    "input without tokens": "exchanges WHERE input_tokens = 0 AND length(prompt) > 0",
    "no message": "exchanges WHERE message_count < 1",
    "temperature out of range": "exchanges WHERE temperature NOT BETWEEN 0 AND 2 OR top_p NOT BETWEEN 0 AND 1",
    "no HTTP status": "exchanges WHERE status NOT BETWEEN 100 AND 599",
    "finished though failed": "exchanges WHERE status >= 400 AND finish_reason IS NOT NULL",
    "reference presented before it was issued": "exchanges AS later JOIN exchanges AS first"
    " ON later.reasoning_ref_presented = first.reasoning_ref_issued WHERE later.ts < first.ts",
    "reference from nowhere": "(SELECT reasoning_ref_presented AS r FROM exchanges WHERE r IS NOT NULL) AS p"
    " ANTI JOIN (SELECT reasoning_ref_issued AS r FROM exchanges) AS i USING (r)",
    "no address": "exchanges WHERE NOT regexp_matches(client_ip, '^\\d{1,3}(\\.\\d{1,3}){3}$')",
    "one address in two networks": "(SELECT client_ip FROM exchanges GROUP BY 1 HAVING count(DISTINCT asn) > 1)",
    "one key on two accounts": "(SELECT api_key_id FROM exchanges WHERE api_key_id IS NOT NULL GROUP BY 1 HAVING"
    " count(DISTINCT account_id) > 1)",
    "one session on two accounts": "(SELECT session_id FROM exchanges WHERE session_id IS NOT NULL GROUP BY 1 HAVING"
    " count(DISTINCT account_id) > 1)",
    "organisation differs from the account's": "exchanges AS e JOIN accounts AS a USING (account_id)"
    " WHERE e.org_id IS DISTINCT FROM a.org_id",
    "unsorted rows": "(SELECT ts < lag(ts) OVER (ORDER BY file_row_number) AS back FROM exchanges) WHERE back",
}


def impossible(db: duckdb.DuckDBPyConnection) -> list[str]:
    """The facts that are violated, with counts; a fact about a column that was left out is skipped."""
    found = []
    for fact, rows in FACTS.items():
        try:
            count = db.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
        except duckdb.BinderException:
            continue
        if count:
            found.append(f"{fact}: {count:,} rows")
    return found

-- Viewers who got no cookies from the signer in the last seven days, and why.
-- The API rejects an invalid token before the signer runs: see the API's log.
SELECT
  viewer,
  path,
  decision,
  count(*) AS requests,
  min("time") AS first_request,
  max("time") AS last_request
FROM signer
WHERE status >= 400 AND "day" >= CAST(date_add('day', -7, current_date) AS varchar)
GROUP BY viewer, path, decision
ORDER BY requests DESC

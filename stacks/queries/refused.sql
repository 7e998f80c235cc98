-- Whom the signer gave no cookies in the last seven days, and why. A token that
-- is wrong is refused before the signer, by the API, and is in the API's log.
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

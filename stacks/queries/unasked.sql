-- Segments for addresses and browsers that got no cookies: either somebody
-- copied cookies, or a viewer changed networks.
SELECT
  segments.c_ip,
  segments.cs_user_agent,
  segments.folder AS path,
  from_unixtime(min(segments.ended)) AS first_request,
  from_unixtime(max(segments.ended)) AS last_request,
  count(*) AS requests,
  sum(segments.sc_bytes) AS bytes
FROM segments
LEFT JOIN grants
  ON grants.c_ip = segments.c_ip
  AND grants.cs_user_agent = segments.cs_user_agent
  AND starts_with(segments.cs_uri_stem, grants.opened)
  AND segments.ended >= grants.given
  AND segments.began < grants.expires
WHERE grants.viewer IS NULL
GROUP BY segments.c_ip, segments.cs_user_agent, segments.folder
ORDER BY requests DESC

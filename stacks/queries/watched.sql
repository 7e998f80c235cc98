  , watched AS (
    -- Cookies are renewed during playback, so several grants can cover a segment.
    SELECT DISTINCT grants.viewer, segments.folder, segments.request, segments.ended, segments.sc_bytes
    FROM segments
    JOIN grants
      ON grants.c_ip = segments.c_ip
      AND grants.cs_user_agent = segments.cs_user_agent
      AND starts_with(segments.cs_uri_stem, grants.opened)
      AND segments.ended >= grants.given
      AND segments.began < grants.expires
  ),
  counted AS (
    SELECT watched.*, count(*) OVER (PARTITION BY request) AS viewers FROM watched
  )
SELECT
  viewer,
  folder AS path,
  from_unixtime(min(ended)) AS first_request,
  from_unixtime(max(ended)) AS last_request,
  count(*) AS requests,
  sum(sc_bytes) AS bytes,
  -- Requests that could also be another viewer's, who had cookies for the same
  -- path at the same address with the same browser.
  sum(CASE WHEN viewers > 1 THEN 1 ELSE 0 END) AS shared_requests
FROM counted
GROUP BY viewer, folder
ORDER BY viewer, folder

-- Cookies are given in the signer's log to a viewer, and in CloudFront's log to
-- an address and a browser. The two lines name the same request, so whatever
-- that address and browser then got of what the cookies open, until they end,
-- is counted as the viewer's.
--
-- It looks at the last seven days; change the 7, and the 8, for others. Cookies
-- that were given the day before may still be in use.
WITH
  requests AS (
    SELECT
      x_edge_request_id AS request, cs_method, cs_uri_stem, sc_status, sc_bytes, c_ip, cs_user_agent, "date",
      -- CloudFront notes when an answer ended.
      to_unixtime(from_iso8601_timestamp(CAST("date" AS varchar) || 'T' || "time" || 'Z')) AS ended,
      time_taken
    FROM edge
    WHERE "date" >= date_add('day', -8, current_date)
  ),
  issued AS (
    SELECT
      viewer, edgerequest, expires,
      CASE WHEN path = '' THEN '/premium/' ELSE '/premium/' || path || '/' END AS opened
    FROM signer
    WHERE decision = 'issued' AND "day" >= CAST(date_add('day', -8, current_date) AS varchar)
  ),
  grants AS (
    SELECT issued.viewer, issued.opened, issued.expires, asked.ended AS given, asked.c_ip, asked.cs_user_agent
    FROM issued
    JOIN requests asked ON asked.request = issued.edgerequest
  ),
  segments AS (
    SELECT
      request, cs_uri_stem, sc_bytes, c_ip, cs_user_agent, ended, ended - time_taken AS began,
      regexp_replace(substr(cs_uri_stem, length('/premium/') + 1), '/[^/]*$', '') AS folder
    FROM requests
    WHERE "date" >= date_add('day', -7, current_date)
      AND cs_method = 'GET'
      AND sc_status IN (200, 206, 304)
      AND starts_with(cs_uri_stem, '/premium/')
      AND cs_uri_stem NOT LIKE '%.m3u8'
      -- The deploy check signs for itself.
      AND NOT starts_with(cs_uri_stem, '/premium/.deploy-check')
  )

-- The signer's log has the viewer who got cookies. CloudFront's log has the
-- address and browser of the same request, by its id. Later requests from that
-- address and browser, below the path of the cookies and before they expire,
-- count as the viewer's.
--
-- This covers the last seven days. For another period, change every 7, and every
-- 8 to one more: cookies from the day before may still be in use.
  requests AS (
    SELECT
      x_edge_request_id AS request, cs_method, cs_uri_stem, sc_status, sc_bytes, c_ip, cs_user_agent, "date",
      -- CloudFront logs the time at which a response ended.
      to_unixtime(from_iso8601_timestamp(CAST("date" AS varchar) || 'T' || "time" || 'Z')) AS ended,
      time_taken
    FROM edge_log
    WHERE "date" >= date_add('day', -8, current_date)
  ),
  issued AS (
    SELECT
      viewer, edgerequest, expires,
      CASE WHEN path = '' THEN '/premium/' ELSE '/premium/' || path || '/' END AS opened
    FROM signer
    WHERE decision IN ('issued', 'link_issued') AND "day" >= CAST(date_add('day', -8, current_date) AS varchar)
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
      -- The deploy check signs its own cookies.
      AND NOT starts_with(cs_uri_stem, '/premium/.deploy-check')
  )

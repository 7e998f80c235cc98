WITH
  edge_log AS (
    SELECT "date", "time", x_edge_request_id, cs_method, cs_uri_stem, sc_status, sc_bytes, c_ip, cs_user_agent, time_taken
    FROM edge_daily
    -- The folder of a request is that of its day or, if delivered late, a later one.
    WHERE "day" >= replace(CAST(date_add('day', -8, current_date) AS varchar), '-', '/')
    UNION ALL
    -- Files of CloudFront's legacy log, if there are any.
    SELECT "date", "time", x_edge_request_id, cs_method, cs_uri_stem, sc_status, sc_bytes, c_ip, cs_user_agent, time_taken
    FROM edge
  ),

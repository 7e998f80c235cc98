WITH
  edge_log AS (
    SELECT "date", "time", x_edge_request_id, cs_method, cs_uri_stem, sc_status, sc_bytes, c_ip, cs_user_agent, time_taken
    FROM edge
  ),

package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// pages returns all dashboards.
func pages() []*page {
	return []*page{overview(), uploads(), ranking(), database(), hosts()}
}

// overview shows whether the platform works: rate, errors and duration of requests (RED), and utilization, saturation
// and errors of resources (USE).
func overview() *page {
	return newPage("overview", "overview", "Requests to the platform, and the resources that it uses.").
		row("Requests (rate, errors, duration)",
			graph("Requests", "By status class.", units.RequestsPerSecond,
				query(`class:risingstars_http_requests:rate5m`, "{{class}}"),
			),
			graph("Server errors", "The share of requests that ended with 5xx.", units.PercentUnit,
				query(`risingstars:http_errors:ratio_rate5m`, "5xx"),
			).Thresholds(redFrom(0.01)).ThresholdsStyle(line()),
			graph("Duration", "Uploads and event streams are left out.", units.Seconds,
				query(`risingstars:http_request_duration_seconds:p95_rate5m`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route!~".*(/upload|/uploads.*|/events|/eventos)$"}[5m])))`, "median"),
			).Thresholds(redFrom(0.5)).ThresholdsStyle(line()),
			graph("In flight", "Requests being answered, including event streams.", units.Short,
				query(`sum(risingstars_http_requests_in_flight)`, "requests"),
				query(`sum(risingstars_event_streams)`, "event streams"),
				query(`sum(risingstars_uploads_in_flight)`, "uploads"),
			),
		).
		row("By route",
			graph("Busiest routes", "", units.RequestsPerSecond, query(`topk(8, route:risingstars_http_requests:rate5m)`, "{{method}} {{route}}")),
			graph("Slowest routes", "p95. Uploads last as long as the network needs, event streams as long as a client reads.", units.Seconds,
				query(`topk(8, route:risingstars_http_request_duration_seconds:p95_rate5m)`, "{{method}} {{route}}"),
			),
			graph("Refusals", "4xx by route and status.", units.RequestsPerSecond,
				query(`topk(8, sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{status=~"4.."}[5m])))`, "{{status}} {{route}}"),
			),
		).
		row("Resources (utilization, saturation, errors)",
			graph("Processors", "Busy share.", units.PercentUnit,
				query(`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"),
			).Thresholds(redFrom(0.95)).ThresholdsStyle(line()),
			graph("Queued videos", "By state of the job.", units.Short,
				query(`risingstars:jobs:max{state=~"available|running|retryable"}`, "{{state}}"),
			),
			graph("Age of the oldest queued video", "", units.Seconds,
				query(`risingstars:jobs_oldest_age_seconds:max{state="available"}`, "oldest"),
			).Thresholds(redFrom(600)).ThresholdsStyle(line()),
			graph("Free space", "Of DATA_DIR (data) and of the media storage (media).", units.PercentUnit,
				query(`min by (folder) (risingstars_folder_free_bytes / risingstars_folder_size_bytes)`, "{{folder}}"),
			),
		).
		row("Targets, versions and alerts",
			graph("Targets up", "1 while every target of the job answers Prometheus.", units.Short, query(`min by (job) (up)`, "{{job}}")),
			graph("Versions", "Processes by version.", units.Short, query(`count by (version) (risingstars_build_info)`, "{{version}}")),
			graph("Alerts", "Firing and pending.", units.Short,
				query(`sum by (alertname, alertstate) (ALERTS) or vector(0)`, "{{alertname}} {{alertstate}}"),
			),
		)
}

// uploads shows videos from the upload to the rendition.
func uploads() *page {
	return newPage("uploads", "uploads and processing", "From the upload of a video to its rendition.").
		row("Uploads",
			graph("Uploads", "Each minute, by outcome.", units.Short,
				query(`sum by (outcome) (rate(risingstars_uploads_total[5m])) * 60`, "{{outcome}}"),
			),
			graph("Refused uploads", "Each minute, by reason.", units.Short,
				query(`sum by (reason) (rate(risingstars_upload_refusals_total[5m])) * 60`, "{{reason}}"),
			),
			graph("Bytes received", "", units.BytesPerSecondSI, query(`sum(rate(risingstars_upload_bytes_total[5m]))`, "received")),
			graph("Duration of an upload", "As one form. The client's network is included.", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "median"),
			),
		).
		row("The queue",
			graph("Videos by state", "As the database has them, including finished jobs until they are deleted.", units.Short,
				query(`risingstars:jobs:max`, "{{state}}"),
			),
			graph("Age of the oldest job", "Since it was due.", units.Seconds,
				query(`risingstars:jobs_oldest_age_seconds:max`, "{{state}}"),
			).Thresholds(redFrom(600)).ThresholdsStyle(line()),
			graph("From accepted to started", "", units.Seconds,
				query(`risingstars:processing_wait_seconds:p95_rate30m`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_processing_wait_seconds_bucket[30m])))`, "median"),
			),
			graph("From accepted to processed", "", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_processing_ready_seconds_bucket[30m])))`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_processing_ready_seconds_bucket[30m])))`, "median"),
			),
		).
		row("FFmpeg",
			graph("Videos processed", "Each minute, by process.", units.Short,
				query(`sum by (instance) (rate(risingstars_ffmpeg_duration_seconds_count[5m])) * 60`, "{{instance}}"),
			),
			graph("Duration of an FFmpeg run", "", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "median"),
			),
			graph("Seconds of FFmpeg per second of video", "", units.Short,
				query(`sum(rate(risingstars_ffmpeg_seconds_per_clip_second_sum[30m])) / sum(rate(risingstars_ffmpeg_seconds_per_clip_second_count[30m]))`, "mean"),
			),
			graph("Failures", "Each hour. \"again\" is retried, \"for good\" is not.", units.Short,
				query(`sum by (then) (increase(risingstars_processing_failures_total[1h]))`, "{{then}}"),
			),
		)
}

// ranking shows votes, reads and accounts.
func ranking() *page {
	return newPage("ranking", "votes and ranking", "Votes, reads of the ranking and the lists, sign-ups and sign-ins.").
		row("Votes",
			graph("Votes", "Each second.", units.Short, query(`sum by (change) (rate(risingstars_votes_total[5m]))`, "{{change}}")),
			graph("Refused votes", "Each second, by reason; \"error\" is a failure of the platform.", units.Short,
				query(`sum by (reason) (rate(risingstars_vote_refusals_total[5m]))`, "{{reason}}"),
			),
			graph("Duration of a vote", "", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/public/videos/{id}/vote|/v/{id}/voto"}[5m])))`, "p95"),
			),
		).
		row("Reads",
			graph("Reads", "", units.RequestsPerSecond,
				query(`sum by (route) (rate(risingstars_http_request_duration_seconds_count{method="GET",route=~"/api/public/.*|/ranking|/{\\$}|/v/{id}|/p/{id}"}[5m]))`, "{{route}}"),
			),
			graph("Duration", "p95.", units.Seconds,
				query(`histogram_quantile(0.95, sum by (route, le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/public/rankings|/api/public/videos|/ranking|/{\\$}"}[5m])))`, "{{route}}"),
			),
			graph("Cache lookups", "By where the answer came from.", units.PercentUnit,
				query(`sum by (from) (rate(risingstars_cache_lookups_total[5m])) / ignoring (from) group_left sum(rate(risingstars_cache_lookups_total[5m]))`, "{{from}}"),
			),
			graph("Open event streams", "", units.Short, query(`sum by (instance) (risingstars_event_streams)`, "{{instance}}")),
		).
		row("Accounts",
			graph("Sign-ups and sign-ins", "Each minute, by status.", units.Short,
				query(`sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{method="POST",route=~"/api/auth/.*|/cuenta/entrar|/cuenta/registro"}[5m])) * 60`, "{{route}} {{status}}"),
			),
			graph("Duration of a sign-in", "Most of it is the hash of the password.", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/auth/login|/cuenta/entrar"}[5m])))`, "p95"),
			),
		)
}

// database shows PostgreSQL, the connections to it, and Redis.
func database() *page {
	return newPage("database", "database and Redis", "PostgreSQL, the program's pools of connections, and Redis.").
		row("The program's connections",
			graph("Transactions", "", units.RequestsPerSecond,
				query(`topk(8, sum by (operation) (rate(risingstars_database_duration_seconds_count[5m])))`, "{{operation}}"),
			),
			graph("Slowest transactions", "p95, including the wait for a connection.", units.Seconds,
				query(`topk(8, histogram_quantile(0.95, sum by (operation, le) (rate(risingstars_database_duration_seconds_bucket[5m]))))`, "{{operation}}"),
			),
			graph("Connections", "In use, and the limit.", units.Short,
				query(`sum by (instance, db_name) (go_sql_in_use_connections)`, "{{instance}} {{db_name}}"),
				query(`sum by (instance, db_name) (go_sql_max_open_connections)`, "{{instance}} {{db_name}}, limit"),
			),
			graph("Waiting for a connection", "Transactions that wait, on average.", units.Short,
				query(`sum by (instance, db_name) (rate(go_sql_wait_duration_seconds_total[5m]))`, "{{instance}} {{db_name}}"),
			).Thresholds(redFrom(1)).ThresholdsStyle(line()),
		).
		row("PostgreSQL",
			graph("Commits and rollbacks", "", units.RequestsPerSecond,
				query(`sum(rate(pg_stat_database_xact_commit[5m]))`, "commits"), query(`sum(rate(pg_stat_database_xact_rollback[5m]))`, "rollbacks"),
			),
			graph("Connections", "By state.", units.Short,
				query(`sum by (state) (pg_stat_activity_count)`, "{{state}}"), query(`max(pg_settings_max_connections)`, "limit"),
			),
			graph("Buffer cache hits", "Share of blocks that PostgreSQL found in its shared buffers.", units.PercentUnit,
				query(`sum(rate(pg_stat_database_blks_hit[5m])) / (sum(rate(pg_stat_database_blks_hit[5m])) + sum(rate(pg_stat_database_blks_read[5m])))`, "hits"),
			),
			graph("Size", "", units.BytesIEC, query(`sum by (datname) (pg_database_size_bytes{datname!~"template.*"})`, "{{datname}}")),
			graph("Locks and deadlocks", "", units.Short,
				query(`sum(pg_locks_count)`, "locks"), query(`sum(increase(pg_stat_database_deadlocks[10m]))`, "deadlocks in 10 min"),
			),
			graph("Rows", "Each second.", units.Short,
				query(`sum(rate(pg_stat_database_tup_fetched[5m]))`, "fetched"), query(`sum(rate(pg_stat_database_tup_inserted[5m]))`, "inserted"),
				query(`sum(rate(pg_stat_database_tup_updated[5m]))`, "updated"),
			),
			graph("Longest transaction", "", units.Seconds, query(`max by (state) (pg_stat_activity_max_tx_duration)`, "{{state}}")),
		).
		row("Redis",
			graph("Used by the program", "0 while a process works without Redis.", units.Short, query(`min by (instance) (risingstars_redis_up)`, "{{instance}}")),
			graph("Commands", "", units.RequestsPerSecond, query(`sum(rate(redis_commands_processed_total[5m]))`, "commands")),
			graph("Memory", "", units.BytesIEC, query(`sum(redis_memory_used_bytes)`, "used")),
			graph("Clients", "", units.Short, query(`sum(redis_connected_clients)`, "clients")),
		)
}

// hosts shows the machines, nginx and the processes.
func hosts() *page {
	return newPage("hosts", "hosts", "Machines, nginx, and the processes of the program.").
		row("Machines",
			graph("Processors", "Busy share.", units.PercentUnit,
				query(`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"),
			).Thresholds(redFrom(0.95)).ThresholdsStyle(line()),
			graph("Load for each processor", "Above 1, work waits for a processor.", units.Short,
				query(`sum by (instance) (node_load1) / count by (instance) (node_cpu_seconds_total{mode="idle"})`, "{{instance}}"),
			).Thresholds(redFrom(1)).ThresholdsStyle(line()),
			graph("Memory available", "", units.PercentUnit, query(`node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes`, "{{instance}}")),
			graph("Disks free", "", units.PercentUnit,
				query(`min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"} / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"})`, "{{instance}} {{mountpoint}}"),
			),
			graph("Disks busy", "Share of the time in which the disk works.", units.PercentUnit,
				query(`topk(8, rate(node_disk_io_time_seconds_total[5m]))`, "{{instance}} {{device}}"),
			),
			graph("Network", "", units.BytesPerSecondSI,
				query(`sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m]))`, "{{instance}} in"),
				query(`sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[5m]))`, "{{instance}} out"),
			),
		).
		row("nginx",
			graph("Requests", "", units.RequestsPerSecond, query(`sum by (instance) (rate(nginx_http_requests_total[5m]))`, "{{instance}}")),
			graph("Connections", "", units.Short,
				query(`sum(nginx_connections_active)`, "active"), query(`sum(nginx_connections_waiting)`, "idle"), query(`sum(nginx_connections_writing)`, "writing"),
			),
			graph("Dropped connections", "Each second: accepted and not handled.", units.Short,
				query(`sum(rate(nginx_connections_accepted[5m])) - sum(rate(nginx_connections_handled[5m]))`, "dropped"),
			),
		).
		row("Processes of the program",
			graph("Processors used", "Without FFmpeg, which is a process of its own.", units.Short,
				query(`sum by (job, instance) (rate(process_cpu_seconds_total{job=~"web|worker"}[5m]))`, "{{job}} {{instance}}"),
			),
			graph("Memory", "", units.BytesIEC, query(`process_resident_memory_bytes{job=~"web|worker"}`, "{{job}} {{instance}}")),
			graph("Goroutines", "", units.Short, query(`go_goroutines{job=~"web|worker"}`, "{{job}} {{instance}}")),
			graph("Open files", "Share of the limit.", units.PercentUnit,
				query(`process_open_fds{job=~"web|worker"} / process_max_fds{job=~"web|worker"}`, "{{job}} {{instance}}"),
			),
		)
}

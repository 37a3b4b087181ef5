package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// pages are all dashboards.
func pages() []*page {
	return []*page{overview(), uploads(), ranking(), database(), hosts()}
}

// overview says within a minute whether the platform is well: rate, errors and duration of what is asked of it, and
// utilization, saturation and errors of what it is made of.
func overview() *page {
	return newPage("overview", "overview", "Is the platform well? What is asked of it, and what it is made of.").
		row("What is asked (rate, errors, duration)",
			graph("Requests", "By status class.", units.RequestsPerSecond,
				query(`class:risingstars_http_requests:rate5m`, "{{class}}"),
			),
			graph("Errors of the platform", "The share of requests that ended with 5xx.", units.PercentUnit,
				query(`risingstars:http_errors:ratio_rate5m`, "5xx"),
			).Thresholds(redFrom(0.01)).ThresholdsStyle(line()),
			graph("Duration", "Without uploads and streams of events.", units.Seconds,
				query(`risingstars:http_request_duration_seconds:p95_rate5m`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route!~".*(/upload|/uploads.*|/events|/eventos)$"}[5m])))`, "median"),
			).Thresholds(redFrom(0.5)).ThresholdsStyle(line()),
			graph("Under way", "Requests being answered, streams of events among them.", units.Short,
				query(`sum(risingstars_http_requests_in_flight)`, "requests"),
				query(`sum(risingstars_event_streams)`, "streams of events"),
				query(`sum(risingstars_uploads_in_flight)`, "uploads"),
			),
		).
		row("By route",
			graph("Busiest routes", "", units.RequestsPerSecond, query(`topk(8, route:risingstars_http_requests:rate5m)`, "{{method}} {{route}}")),
			graph("Slowest routes", "p95; uploads and streams last as long as networks and readers do.", units.Seconds,
				query(`topk(8, route:risingstars_http_request_duration_seconds:p95_rate5m)`, "{{method}} {{route}}"),
			),
			graph("Refusals", "4xx by route: who is asked for what is not there, or may not.", units.RequestsPerSecond,
				query(`topk(8, sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{status=~"4.."}[5m])))`, "{{status}} {{route}}"),
			),
		).
		row("What it is made of (utilization, saturation, errors)",
			graph("Processors", "The share that is busy.", units.PercentUnit,
				query(`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"),
			).Thresholds(redFrom(0.95)).ThresholdsStyle(line()),
			graph("Videos that wait", "", units.Short,
				query(`risingstars:jobs:max{state=~"available|running|retryable"}`, "{{state}}"),
			),
			graph("Oldest video that waits", "", units.Seconds,
				query(`risingstars:jobs_oldest_age_seconds:max{state="available"}`, "oldest"),
			).Thresholds(redFrom(600)).ThresholdsStyle(line()),
			graph("Free space", "For what is worked on (data) and for the media.", units.PercentUnit,
				query(`min by (folder) (risingstars_folder_free_bytes / risingstars_folder_size_bytes)`, "{{folder}}"),
			),
		).
		row("Who answers",
			graph("Measured", "1 where who is measured answers.", units.Short, query(`min by (job) (up)`, "{{job}}")),
			graph("Versions", "How many processes of each.", units.Short, query(`count by (version) (risingstars_build_info)`, "{{version}}")),
			graph("Alerts", "Those that fire, or are about to.", units.Short,
				query(`sum by (alertname, alertstate) (ALERTS) or vector(0)`, "{{alertname}} {{alertstate}}"),
			),
		)
}

// uploads follows videos from the upload to the rendition.
func uploads() *page {
	return newPage("uploads", "uploads and processing", "From the upload of a video to its rendition.").
		row("Uploads",
			graph("Uploads", "Each minute, by how they ended.", units.Short,
				query(`sum by (outcome) (rate(risingstars_uploads_total[5m])) * 60`, "{{outcome}}"),
			),
			graph("Why refused", "Each minute.", units.Short,
				query(`sum by (reason) (rate(risingstars_upload_refusals_total[5m])) * 60`, "{{reason}}"),
			),
			graph("Bytes received", "", units.BytesPerSecondSI, query(`sum(rate(risingstars_upload_bytes_total[5m]))`, "received")),
			graph("Duration of an upload", "As one form, the client's network included.", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "median"),
			),
		).
		row("The queue",
			graph("Videos by state", "As the database has them, finished ones for as long as they are kept.", units.Short,
				query(`risingstars:jobs:max`, "{{state}}"),
			),
			graph("Oldest", "How long the oldest has been due.", units.Seconds,
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
			graph("Run of FFmpeg", "", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "p95"),
				query(`histogram_quantile(0.5, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "median"),
			),
			graph("Seconds of FFmpeg for a second of play", "", units.Short,
				query(`sum(rate(risingstars_ffmpeg_seconds_per_clip_second_sum[30m])) / sum(rate(risingstars_ffmpeg_seconds_per_clip_second_count[30m]))`, "mean"),
			),
			graph("Failures", "Each hour: again is tried once more, for good is not.", units.Short,
				query(`sum by (then) (increase(risingstars_processing_failures_total[1h]))`, "{{then}}"),
			),
		)
}

// ranking is what the public does.
func ranking() *page {
	return newPage("ranking", "votes and ranking", "What the public does: votes, and reads of the ranking and the lists.").
		row("Votes",
			graph("Votes", "Each second.", units.Short, query(`sum by (change) (rate(risingstars_votes_total[5m]))`, "{{change}}")),
			graph("Not counted", "Each second, by reason; error is the platform's own trouble.", units.Short,
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
			graph("Where answers came from", "", units.PercentUnit,
				query(`sum by (from) (rate(risingstars_cache_lookups_total[5m])) / ignoring (from) group_left sum(rate(risingstars_cache_lookups_total[5m]))`, "{{from}}"),
			),
			graph("Readers of live rankings and progress", "", units.Short, query(`sum by (instance) (risingstars_event_streams)`, "{{instance}}")),
		).
		row("People",
			graph("Sign-ups and sign-ins", "Each minute, by status.", units.Short,
				query(`sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{method="POST",route=~"/api/auth/.*|/cuenta/entrar|/cuenta/registro"}[5m])) * 60`, "{{route}} {{status}}"),
			),
			graph("Duration of a sign-in", "Most of it is the hash of the password.", units.Seconds,
				query(`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/auth/login|/cuenta/entrar"}[5m])))`, "p95"),
			),
		)
}

// database is what keeps the contest, and what makes it fast.
func database() *page {
	return newPage("database", "database and Redis", "PostgreSQL, the program's pools of connections, and Redis.").
		row("As the program sees it",
			graph("Transactions", "", units.RequestsPerSecond,
				query(`topk(8, sum by (operation) (rate(risingstars_database_duration_seconds_count[5m])))`, "{{operation}}"),
			),
			graph("Slowest transactions", "p95, waiting for a connection included.", units.Seconds,
				query(`topk(8, histogram_quantile(0.95, sum by (operation, le) (rate(risingstars_database_duration_seconds_bucket[5m]))))`, "{{operation}}"),
			),
			graph("Connections", "In use, and how many there may be.", units.Short,
				query(`sum by (instance, db_name) (go_sql_in_use_connections)`, "{{instance}} {{db_name}}"),
				query(`sum by (instance, db_name) (go_sql_max_open_connections)`, "{{instance}} {{db_name}}, at most"),
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
				query(`sum by (state) (pg_stat_activity_count)`, "{{state}}"), query(`max(pg_settings_max_connections)`, "at most"),
			),
			graph("Found in memory", "The share of blocks that need not be read.", units.PercentUnit,
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
			graph("Used by the program", "0 while a process goes on without it.", units.Short, query(`min by (instance) (risingstars_redis_up)`, "{{instance}}")),
			graph("Commands", "", units.RequestsPerSecond, query(`sum(rate(redis_commands_processed_total[5m]))`, "commands")),
			graph("Memory", "", units.BytesIEC, query(`sum(redis_memory_used_bytes)`, "used")),
			graph("Clients", "", units.Short, query(`sum(redis_connected_clients)`, "clients")),
		)
}

// hosts is what the machines, nginx and the processes do.
func hosts() *page {
	return newPage("hosts", "hosts", "Machines, nginx, and the processes of the program.").
		row("Machines",
			graph("Processors", "Busy, of all.", units.PercentUnit,
				query(`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"),
			).Thresholds(redFrom(0.95)).ThresholdsStyle(line()),
			graph("Load for each processor", "Above 1, work waits for a processor.", units.Short,
				query(`sum by (instance) (node_load1) / count by (instance) (node_cpu_seconds_total{mode="idle"})`, "{{instance}}"),
			).Thresholds(redFrom(1)).ThresholdsStyle(line()),
			graph("Memory available", "", units.PercentUnit, query(`node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes`, "{{instance}}")),
			graph("Disks free", "", units.PercentUnit,
				query(`min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"} / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"})`, "{{instance}} {{mountpoint}}"),
			),
			graph("Disks busy", "The share of the time in which a disk works.", units.PercentUnit,
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
				query(`sum(nginx_connections_active)`, "active"), query(`sum(nginx_connections_waiting)`, "idle"), query(`sum(nginx_connections_writing)`, "being answered"),
			),
			graph("Connections that were dropped", "Each second: accepted, and not handled.", units.Short,
				query(`sum(rate(nginx_connections_accepted[5m])) - sum(rate(nginx_connections_handled[5m]))`, "dropped"),
			),
		).
		row("Processes of the program",
			graph("Processors used", "FFmpeg counts for its machine, not here.", units.Short,
				query(`sum by (job, instance) (rate(process_cpu_seconds_total{job=~"web|worker"}[5m]))`, "{{job}} {{instance}}"),
			),
			graph("Memory", "", units.BytesIEC, query(`process_resident_memory_bytes{job=~"web|worker"}`, "{{job}} {{instance}}")),
			graph("Goroutines", "", units.Short, query(`go_goroutines{job=~"web|worker"}`, "{{job}} {{instance}}")),
			graph("Open files", "Of those that may be.", units.PercentUnit,
				query(`process_open_fds{job=~"web|worker"} / process_max_fds{job=~"web|worker"}`, "{{job}} {{instance}}"),
			),
		)
}

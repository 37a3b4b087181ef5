package observability

// board is one dashboard: rows of panels, each of which asks Prometheus.
type board struct {
	name, title, about string
	rows               []row
}

type row struct {
	title  string
	panels []panel
}

type panel struct {
	title, about string
	unit         string  // Grafana's name of it
	limit        float64 // where the alert is, 0 for none
	asks         []ask
}

type ask struct{ expr, legend string }

// The units that are used.
const (
	perSecond = "reqps"
	seconds   = "s"
	size      = "bytes"
	byteRate  = "Bps"
	ratio     = "percentunit"
	number    = "short"
)

// boards are all dashboards.
func boards() []board {
	return []board{overview(), uploads(), ranking(), database(), hosts()}
}

// overview says within a minute whether the platform is well: rate, errors and duration of what is asked of it, and
// utilization, saturation and errors of what it is made of.
func overview() board {
	return board{"overview", "overview", "Is the platform well? What is asked of it, and what it is made of.", []row{
		{"What is asked (rate, errors, duration)", []panel{
			{"Requests", "By status class.", perSecond, 0, []ask{
				{`class:risingstars_http_requests:rate5m`, "{{class}}"},
			}},
			{"Errors of the platform", "The share of requests that ended with 5xx.", ratio, .01, []ask{
				{`risingstars:http_errors:ratio_rate5m`, "5xx"},
			}},
			{"Duration", "Without uploads and streams of events.", seconds, .5, []ask{
				{`risingstars:http_request_duration_seconds:p95_rate5m`, "p95"},
				{`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route!~".*(/upload|/uploads.*|/events|/eventos)$"}[5m])))`, "median"},
			}},
			{"Under way", "Requests being answered, streams of events among them.", number, 0, []ask{
				{`sum(risingstars_http_requests_in_flight)`, "requests"},
				{`sum(risingstars_event_streams)`, "streams of events"},
				{`sum(risingstars_uploads_in_flight)`, "uploads"},
			}},
		}},
		{"By route", []panel{
			{"Busiest routes", "", perSecond, 0, []ask{{`topk(8, route:risingstars_http_requests:rate5m)`, "{{method}} {{route}}"}}},
			{"Slowest routes", "p95; uploads and streams last as long as networks and readers do.", seconds, 0, []ask{
				{`topk(8, route:risingstars_http_request_duration_seconds:p95_rate5m)`, "{{method}} {{route}}"},
			}},
			{"Refusals", "4xx by route: who is asked for what is not there, or may not.", perSecond, 0, []ask{
				{`topk(8, sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{status=~"4.."}[5m])))`, "{{status}} {{route}}"},
			}},
		}},
		{"What it is made of (utilization, saturation, errors)", []panel{
			{"Processors", "The share that is busy.", ratio, .95, []ask{
				{`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"},
			}},
			{"Videos that wait", "", number, 0, []ask{
				{`risingstars:jobs:max{state=~"available|running|retryable"}`, "{{state}}"},
			}},
			{"Oldest video that waits", "", seconds, 600, []ask{
				{`risingstars:jobs_oldest_age_seconds:max{state="available"}`, "oldest"},
			}},
			{"Free space", "For what is worked on (data) and for the media.", ratio, 0, []ask{
				{`min by (folder) (risingstars_folder_free_bytes / risingstars_folder_size_bytes)`, "{{folder}}"},
			}},
		}},
		{"Who answers", []panel{
			{"Measured", "1 where who is measured answers.", number, 0, []ask{{`min by (job) (up)`, "{{job}}"}}},
			{"Versions", "How many processes of each.", number, 0, []ask{{`count by (version) (risingstars_build_info)`, "{{version}}"}}},
			{"Alerts", "Those that fire, or are about to.", number, 0, []ask{
				{`sum by (alertname, alertstate) (ALERTS) or vector(0)`, "{{alertname}} {{alertstate}}"},
			}},
		}},
	}}
}

// uploads follows videos from the upload to the rendition.
func uploads() board {
	return board{"uploads", "uploads and processing", "From the upload of a video to its rendition.", []row{
		{"Uploads", []panel{
			{"Uploads", "Each minute, by how they ended.", number, 0, []ask{
				{`sum by (outcome) (rate(risingstars_uploads_total[5m])) * 60`, "{{outcome}}"},
			}},
			{"Why refused", "Each minute.", number, 0, []ask{
				{`sum by (reason) (rate(risingstars_upload_refusals_total[5m])) * 60`, "{{reason}}"},
			}},
			{"Bytes received", "", byteRate, 0, []ask{{`sum(rate(risingstars_upload_bytes_total[5m]))`, "received"}}},
			{"Duration of an upload", "As one form, the client's network included.", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "p95"},
				{`histogram_quantile(0.5, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route="/api/videos/upload"}[5m])))`, "median"},
			}},
		}},
		{"The queue", []panel{
			{"Videos by state", "As the database has them, finished ones for as long as they are kept.", number, 0, []ask{
				{`risingstars:jobs:max`, "{{state}}"},
			}},
			{"Oldest", "How long the oldest has been due.", seconds, 600, []ask{
				{`risingstars:jobs_oldest_age_seconds:max`, "{{state}}"},
			}},
			{"From accepted to started", "", seconds, 0, []ask{
				{`risingstars:processing_wait_seconds:p95_rate30m`, "p95"},
				{`histogram_quantile(0.5, sum by (le) (rate(risingstars_processing_wait_seconds_bucket[30m])))`, "median"},
			}},
			{"From accepted to processed", "", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (le) (rate(risingstars_processing_ready_seconds_bucket[30m])))`, "p95"},
				{`histogram_quantile(0.5, sum by (le) (rate(risingstars_processing_ready_seconds_bucket[30m])))`, "median"},
			}},
		}},
		{"FFmpeg", []panel{
			{"Videos processed", "Each minute, by process.", number, 0, []ask{
				{`sum by (instance) (rate(risingstars_ffmpeg_duration_seconds_count[5m])) * 60`, "{{instance}}"},
			}},
			{"Run of FFmpeg", "", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "p95"},
				{`histogram_quantile(0.5, sum by (le) (rate(risingstars_ffmpeg_duration_seconds_bucket[30m])))`, "median"},
			}},
			{"Seconds of FFmpeg for a second of play", "", number, 0, []ask{
				{`sum(rate(risingstars_ffmpeg_seconds_per_clip_second_sum[30m])) / sum(rate(risingstars_ffmpeg_seconds_per_clip_second_count[30m]))`, "mean"},
			}},
			{"Failures", "Each hour: again is tried once more, for good is not.", number, 0, []ask{
				{`sum by (then) (increase(risingstars_processing_failures_total[1h]))`, "{{then}}"},
			}},
		}},
	}}
}

// ranking is what the public does.
func ranking() board {
	return board{"ranking", "votes and ranking", "What the public does: votes, and reads of the ranking and the lists.", []row{
		{"Votes", []panel{
			{"Votes", "Each second.", number, 0, []ask{{`sum by (change) (rate(risingstars_votes_total[5m]))`, "{{change}}"}}},
			{"Not counted", "Each second, by reason; error is the platform's own trouble.", number, 0, []ask{
				{`sum by (reason) (rate(risingstars_vote_refusals_total[5m]))`, "{{reason}}"},
			}},
			{"Duration of a vote", "", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/public/videos/{id}/vote|/v/{id}/voto"}[5m])))`, "p95"},
			}},
		}},
		{"Reads", []panel{
			{"Reads", "", perSecond, 0, []ask{
				{`sum by (route) (rate(risingstars_http_request_duration_seconds_count{method="GET",route=~"/api/public/.*|/ranking|/{\\$}|/v/{id}|/p/{id}"}[5m]))`, "{{route}}"},
			}},
			{"Duration", "p95.", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (route, le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/public/rankings|/api/public/videos|/ranking|/{\\$}"}[5m])))`, "{{route}}"},
			}},
			{"Where answers came from", "", ratio, 0, []ask{
				{`sum by (from) (rate(risingstars_cache_lookups_total[5m])) / ignoring (from) group_left sum(rate(risingstars_cache_lookups_total[5m]))`, "{{from}}"},
			}},
			{"Readers of live rankings and progress", "", number, 0, []ask{{`sum by (instance) (risingstars_event_streams)`, "{{instance}}"}}},
		}},
		{"People", []panel{
			{"Sign-ups and sign-ins", "Each minute, by status.", number, 0, []ask{
				{`sum by (route, status) (rate(risingstars_http_request_duration_seconds_count{method="POST",route=~"/api/auth/.*|/cuenta/entrar|/cuenta/registro"}[5m])) * 60`, "{{route}} {{status}}"},
			}},
			{"Duration of a sign-in", "Most of it is the hash of the password.", seconds, 0, []ask{
				{`histogram_quantile(0.95, sum by (le) (rate(risingstars_http_request_duration_seconds_bucket{route=~"/api/auth/login|/cuenta/entrar"}[5m])))`, "p95"},
			}},
		}},
	}}
}

// database is what keeps the contest, and what makes it fast.
func database() board {
	return board{"database", "database and Redis", "PostgreSQL, the program's pools of connections, and Redis.", []row{
		{"As the program sees it", []panel{
			{"Transactions", "", perSecond, 0, []ask{
				{`topk(8, sum by (operation) (rate(risingstars_database_duration_seconds_count[5m])))`, "{{operation}}"},
			}},
			{"Slowest transactions", "p95, waiting for a connection included.", seconds, 0, []ask{
				{`topk(8, histogram_quantile(0.95, sum by (operation, le) (rate(risingstars_database_duration_seconds_bucket[5m]))))`, "{{operation}}"},
			}},
			{"Connections", "In use, and how many there may be.", number, 0, []ask{
				{`sum by (instance, db_name) (go_sql_in_use_connections)`, "{{instance}} {{db_name}}"},
				{`sum by (instance, db_name) (go_sql_max_open_connections)`, "{{instance}} {{db_name}}, at most"},
			}},
			{"Waiting for a connection", "Transactions that wait, on average.", number, 1, []ask{
				{`sum by (instance, db_name) (rate(go_sql_wait_duration_seconds_total[5m]))`, "{{instance}} {{db_name}}"},
			}},
		}},
		{"PostgreSQL", []panel{
			{"Commits and rollbacks", "", perSecond, 0, []ask{
				{`sum(rate(pg_stat_database_xact_commit[5m]))`, "commits"}, {`sum(rate(pg_stat_database_xact_rollback[5m]))`, "rollbacks"},
			}},
			{"Connections", "By state.", number, 0, []ask{
				{`sum by (state) (pg_stat_activity_count)`, "{{state}}"}, {`max(pg_settings_max_connections)`, "at most"},
			}},
			{"Found in memory", "The share of blocks that need not be read.", ratio, 0, []ask{
				{`sum(rate(pg_stat_database_blks_hit[5m])) / (sum(rate(pg_stat_database_blks_hit[5m])) + sum(rate(pg_stat_database_blks_read[5m])))`, "hits"},
			}},
			{"Size", "", size, 0, []ask{{`sum by (datname) (pg_database_size_bytes{datname!~"template.*"})`, "{{datname}}"}}},
			{"Locks and deadlocks", "", number, 0, []ask{
				{`sum(pg_locks_count)`, "locks"}, {`sum(increase(pg_stat_database_deadlocks[10m]))`, "deadlocks in 10 min"},
			}},
			{"Rows", "Each second.", number, 0, []ask{
				{`sum(rate(pg_stat_database_tup_fetched[5m]))`, "fetched"}, {`sum(rate(pg_stat_database_tup_inserted[5m]))`, "inserted"},
				{`sum(rate(pg_stat_database_tup_updated[5m]))`, "updated"},
			}},
			{"Longest transaction", "", seconds, 0, []ask{{`max by (state) (pg_stat_activity_max_tx_duration)`, "{{state}}"}}},
		}},
		{"Redis", []panel{
			{"Used by the program", "0 while a process goes on without it.", number, 0, []ask{{`min by (instance) (risingstars_redis_up)`, "{{instance}}"}}},
			{"Commands", "", perSecond, 0, []ask{{`sum(rate(redis_commands_processed_total[5m]))`, "commands"}}},
			{"Memory", "", size, 0, []ask{{`sum(redis_memory_used_bytes)`, "used"}}},
			{"Clients", "", number, 0, []ask{{`sum(redis_connected_clients)`, "clients"}}},
		}},
	}}
}

// hosts is what the machines, nginx and the processes do.
func hosts() board {
	return board{"hosts", "hosts", "Machines, nginx, and the processes of the program.", []row{
		{"Machines", []panel{
			{"Processors", "Busy, of all.", ratio, .95, []ask{
				{`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{instance}}"},
			}},
			{"Load for each processor", "Above 1, work waits for a processor.", number, 1, []ask{
				{`sum by (instance) (node_load1) / count by (instance) (node_cpu_seconds_total{mode="idle"})`, "{{instance}}"},
			}},
			{"Memory available", "", ratio, 0, []ask{{`node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes`, "{{instance}}"}}},
			{"Disks free", "", ratio, 0, []ask{
				{`min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"} / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs|nfs.*"})`, "{{instance}} {{mountpoint}}"},
			}},
			{"Disks busy", "The share of the time in which a disk works.", ratio, 0, []ask{
				{`topk(8, rate(node_disk_io_time_seconds_total[5m]))`, "{{instance}} {{device}}"},
			}},
			{"Network", "", byteRate, 0, []ask{
				{`sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m]))`, "{{instance}} in"},
				{`sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[5m]))`, "{{instance}} out"},
			}},
		}},
		{"nginx", []panel{
			{"Requests", "", perSecond, 0, []ask{{`sum by (instance) (rate(nginx_http_requests_total[5m]))`, "{{instance}}"}}},
			{"Connections", "", number, 0, []ask{
				{`sum(nginx_connections_active)`, "active"}, {`sum(nginx_connections_waiting)`, "idle"}, {`sum(nginx_connections_writing)`, "being answered"},
			}},
			{"Connections that were dropped", "Each second: accepted, and not handled.", number, 0, []ask{
				{`sum(rate(nginx_connections_accepted[5m])) - sum(rate(nginx_connections_handled[5m]))`, "dropped"},
			}},
		}},
		{"Processes of the program", []panel{
			{"Processors used", "FFmpeg counts for its machine, not here.", number, 0, []ask{
				{`sum by (job, instance) (rate(process_cpu_seconds_total{job=~"web|worker"}[5m]))`, "{{job}} {{instance}}"},
			}},
			{"Memory", "", size, 0, []ask{{`process_resident_memory_bytes{job=~"web|worker"}`, "{{job}} {{instance}}"}}},
			{"Goroutines", "", number, 0, []ask{{`go_goroutines{job=~"web|worker"}`, "{{job}} {{instance}}"}}},
			{"Open files", "Of those that may be.", ratio, 0, []ask{
				{`process_open_fds{job=~"web|worker"} / process_max_fds{job=~"web|worker"}`, "{{job}} {{instance}}"},
			}},
		}},
	}}
}

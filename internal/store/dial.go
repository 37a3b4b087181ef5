package store

import (
	"net"
	"time"
)

// goneAfter is how long PostgreSQL's host may leave sent data unacknowledged before the connection is closed. Without
// this limit Linux retransmits for about 15 minutes to a host that has disappeared.
const goneAfter = 10 * time.Second

// dialer connects to PostgreSQL. It detects a lost host by unacknowledged data (giveUp), and on an idle connection by
// TCP keep-alive probes.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout: connectTime, Control: giveUp,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: goneAfter, Interval: goneAfter / 5, Count: 5},
	}
}

package store

import (
	"net"
	"time"
)

// goneAfter is how long PostgreSQL's host may leave unanswered what was sent to it, before it is taken for gone. Without a
// bound the system goes on sending for a quarter of an hour to one that was cut off without a word.
const goneAfter = 10 * time.Second

// dialer connects to PostgreSQL, and notices when it is gone: at once where something was sent, and otherwise soon.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout: connectTime, Control: giveUp,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: goneAfter, Interval: goneAfter / 5, Count: 5},
	}
}

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"risingstars/internal/testserver"
)

// harm injects one fault after the other until ctx ends: all kinds in a random order, then again, for the given
// number of rounds, or without limit if that is 0. Long faults run concurrently with the others and start first, so
// that a short run includes them. All have ended when harm returns.
func (w *world) harm(ctx context.Context, random *rand.Rand, rounds int) {
	w.Helper()
	var long sync.WaitGroup
	defer long.Wait()
	busy := make(chan struct{}, 1) // one long fault at a time
	for round := 0; ctx.Err() == nil && (rounds == 0 || round < rounds); round++ {
		for _, i := range order(w.faults, random) {
			f, own := w.faults[i], rand.New(rand.NewPCG(random.Uint64(), 0))
			if f.long {
				long.Go(func() {
					select {
					case busy <- struct{}{}:
						w.Logf("%s …", f.name)
						f.do(ctx, own)
						<-busy
					case <-ctx.Done():
					}
				})
				continue
			}
			if ctx.Err() != nil {
				return
			}
			w.Log(f.name)
			f.do(ctx, own)
			pause(ctx, between(random, 500*time.Millisecond, 5*time.Second))
		}
		long.Wait()
	}
}

// order returns a random order of the faults, long ones first.
func order(faults []fault, random *rand.Rand) (list []int) {
	shuffled := random.Perm(len(faults))
	for _, long := range []bool{true, false} {
		for _, i := range shuffled {
			if faults[i].long == long {
				list = append(list, i)
			}
		}
	}
	return list
}

func nodeFaults(n *node) []fault {
	return []fault{
		{name: "kill " + n.name, do: func(context.Context, *rand.Rand) { n.signal(syscall.SIGKILL) }},
		{name: "stop " + n.name, do: func(context.Context, *rand.Rand) { n.signal(syscall.SIGTERM) }},
		{name: "kill FFmpeg of " + n.name, do: func(context.Context, *rand.Rand) { n.killFFmpeg() }},
	}
}

// hold suspends a process for a random time.
func hold(n *node, least, most time.Duration) fault {
	return fault{name: "hold " + n.name, long: most > 20*time.Second, do: func(_ context.Context, random *rand.Rand) {
		n.signal(syscall.SIGSTOP)
		<-time.After(between(random, least, most))
		n.signal(syscall.SIGCONT)
	}}
}

func (w *world) serverFaults(postgres *testserver.Postgres, network *testserver.Network, redis *testserver.RedisServer) []fault {
	return []fault{
		{name: "kill PostgreSQL", do: func(context.Context, *rand.Rand) {
			postgres.Kill()
			postgres.Start(w)
		}},
		{name: "restart PostgreSQL", do: func(ctx context.Context, random *rand.Rand) {
			postgres.Stop(syscall.SIGINT)
			pause(ctx, between(random, time.Second, 4*time.Second))
			postgres.Start(w)
		}},
		{name: "hold all connections to PostgreSQL", do: func(ctx context.Context, random *rand.Rand) {
			network.Hang(true)
			pause(ctx, between(random, 2*time.Second, 5*time.Second))
			network.Hang(false)
		}},
		{name: "break all connections to PostgreSQL", do: func(context.Context, *rand.Rand) { network.Cut() }},
		{name: "kill Redis", do: func(ctx context.Context, random *rand.Rand) {
			redis.Kill()
			pause(ctx, between(random, 0, 3*time.Second))
			redis.Start()
		}},
		{name: "hold Redis", do: func(ctx context.Context, random *rand.Rand) {
			redis.Signal(syscall.SIGSTOP)
			pause(ctx, between(random, time.Second, 4*time.Second))
			redis.Signal(syscall.SIGCONT)
		}},
		{name: "flush Redis", do: func(ctx context.Context, _ *rand.Rand) { w.flush(ctx, redis.URL) }},
	}
}

func (w *world) flush(ctx context.Context, url string) {
	options, err := redis.ParseURL(url)
	if err != nil {
		w.Fatal(err)
	}
	c := redis.NewClient(options)
	defer c.Close()
	if err := c.FlushAll(ctx).Err(); err != nil && ctx.Err() == nil {
		w.Errorf("flush Redis: %v", err)
	}
}

func networkBreaks(p *testserver.Network) fault {
	return fault{name: "break worker0's connections to PostgreSQL", do: func(context.Context, *rand.Rand) { p.Cut() }}
}

// networkHangs stops the traffic between a worker and its database for longer than a heartbeat may be missing.
func networkHangs(p *testserver.Network, d time.Duration) fault {
	return fault{name: "hold worker0's connections to PostgreSQL", long: true, do: func(context.Context, *rand.Rand) {
		p.Hang(true)
		<-time.After(d)
		p.Hang(false)
	}}
}

func (w *world) storageFails(d *disk) fault {
	return fault{name: "the storage fails", do: func(ctx context.Context, random *rand.Rand) {
		mend := d.breakDown(w.media)
		pause(ctx, between(random, time.Second, 4*time.Second))
		mend()
	}}
}

func (w *world) storageFull(d *disk) fault {
	return fault{name: "the storage is full", do: func(ctx context.Context, random *rand.Rand) {
		d.fill()
		pause(ctx, between(random, time.Second, 5*time.Second))
		d.empty()
	}}
}

// Command risingstars is the ANB Rising Stars Showcase: see risingstars --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"risingstars/internal/app"
)

func main() {
	app.Helper()
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the program
		<-signals
		signal.Stop(signals) // before the shutdown begins, so that a second signal ends the program at once
		stop()
	}()
	if err := app.Run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr, os.Environ()...); err != nil {
		fmt.Fprintln(os.Stderr, "risingstars:", err)
		os.Exit(1)
	}
}

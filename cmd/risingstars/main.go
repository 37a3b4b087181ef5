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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	if err := app.Run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr, os.Environ()...); err != nil {
		fmt.Fprintln(os.Stderr, "risingstars:", err)
		os.Exit(1)
	}
}

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"

	"risingstars/internal/config"
)

// checkListen tries to listen at the addresses of serve.
func checkListen(ctx context.Context, s *config.Settings) []finding {
	list := []finding{listenFinding(ctx, "LISTEN_ADDR", s.ListenAddr, "/", `"Healthcheck"`)}
	if s.MetricsAddr != "" {
		list = append(list, listenFinding(ctx, "METRICS_ADDR", s.MetricsAddr, "/metrics", "risingstars_"))
	}
	return list
}

// listenFinding tries to listen at addr. If the address is in use, it recognizes a running risingstars by its answer.
func listenFinding(ctx context.Context, setting, addr, path, sign string) finding {
	l, err := listen(ctx, setting, addr)
	if err == nil {
		err = l.Close()
	}
	switch {
	case err == nil:
		return finding{part: "listen", is: fmt.Sprintf("%s: %s is free", setting, addr)}
	case errors.Is(err, syscall.EADDRINUSE) && answers(ctx, addr, path, sign):
		return finding{part: "listen", is: fmt.Sprintf("%s: a risingstars serves at %s already", setting, addr)}
	case errors.Is(err, syscall.EADDRINUSE):
		return finding{"listen", fmt.Sprintf("%s: another program listens at %s", setting, addr), "stop it, or choose another " + setting, true}
	case errors.Is(err, syscall.EACCES):
		return finding{"listen", fmt.Sprintf("%s: this user may not listen at %s", setting, addr), "choose a port from 1024, or put a proxy in front", true}
	}
	return finding{"listen", err.Error(), fmt.Sprintf("choose an address of this host as %s; 0.0.0.0 is all of them", setting), true}
}

// answers reports whether the server at an address answers the path with a body that contains sign.
func answers(ctx context.Context, addr, path, sign string) bool {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTime)
	defer cancel()
	answer, err := ask(ctx, addr, path)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return err == nil && answer.StatusCode == http.StatusOK && strings.Contains(string(text), sign)
}

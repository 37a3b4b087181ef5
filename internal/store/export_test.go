package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// templates are the migrated, empty databases, one for each server. Tests copy them, because a copy takes much less
// time than the migrations.
var templates sync.Map // of func() error, by server

const templateName = "template_of_tests"

// NewMigratedPostgres creates a migrated database on a server, and returns its URL.
func NewMigratedPostgres(server *testserver.Postgres) (url string, err error) {
	prepare, _ := templates.LoadOrStore(server, sync.OnceValue(func() error { return makeTemplate(server) }))
	if err := prepare.(func() error)(); err != nil {
		return "", fmt.Errorf("make the template of the tests' databases: %w", err)
	}
	name := "copy_" + contest.NewMediaToken()
	return server.URL(name), server.Create(name, templateName)
}

func makeTemplate(server *testserver.Postgres) error {
	if err := server.Create(templateName, ""); err != nil {
		return err
	}
	db, err := OpenPostgres(server.URL(templateName), 4)
	if err != nil {
		return err
	}
	_, err = Migrate(context.Background(), db)
	return errors.Join(err, db.Close())
}

package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"risingstars/internal/app"
	"risingstars/internal/testserver"
)

// Databases are migrated once per test process and then copied.

// migrate puts a migrated database into a DATA_DIR that has none.
func migrate(tb testing.TB, dataDir string) {
	tb.Helper()
	content, err := migratedSQLite()
	if err != nil {
		tb.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dataDir, sqliteFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		tb.Fatal(err)
	}
}

const sqliteFile = "risingstars.db"

var migratedSQLite = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "risingstars-migrated-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := runMigrate(Settings{"DATA_DIR": dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, sqliteFile))
})

// SecretKey is the SECRET_KEY of servers on PostgreSQL, which requires one.
const SecretKey = "a secret of 32 characters or more, 0123456789"

var template struct {
	once sync.Once
	err  error
}

// OnPostgres returns settings with a migrated, empty database of the test's own, on the PostgreSQL server that the
// tests of the package share. TestMain of the package must call testserver.Main, which stops the server.
func OnPostgres(tb testing.TB) Settings {
	tb.Helper()
	const name = "migrated"
	server := testserver.SharedPostgres(tb)
	template.once.Do(func() {
		template.err = errors.Join(server.Create(name, ""), runMigrate(Settings{
			"DATABASE_URL": server.URL(name), "SECRET_KEY": SecretKey, "DATA_DIR": os.TempDir(),
		}))
	})
	if template.err != nil {
		tb.Fatal(template.err)
	}
	return Settings{"DATABASE_URL": server.NewDatabase(tb, name), "SECRET_KEY": SecretKey}
}

func runMigrate(settings Settings) error {
	var out bytes.Buffer
	if err := app.Run(context.Background(), []string{"migrate"}, settings.lookup, &out, &out); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, &out)
	}
	return nil
}

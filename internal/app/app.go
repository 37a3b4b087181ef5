// Package app is the program: its command line, and the wiring of all other packages.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"risingstars/internal/config"
	"risingstars/internal/media"
	"risingstars/internal/secrets"
)

// version is set by the linker.
var version = "dev"

const description = `The ANB Rising Stars Showcase: players upload clips of their skills, the public votes, a ranking follows.

"risingstars serve" runs the whole platform with its data in ./data. Every setting below may be given as a flag, as an
environment variable of the NAME in brackets, or in a file whose path is in NAME_FILE; and in place of any value
awssm://SECRET#KEY, which is read from AWS Secrets Manager.`

// commands are the program's subcommands.
type commands struct {
	config.Settings
	ShowVersion versionFlag `name:"version" help:"Print the version."`

	Serve       serve        `cmd:"" uses:"all" help:"Serve the platform: web server and workers in one process."`
	Worker      worker       `cmd:"" uses:"data processing operations SECRET_KEY" help:"Process videos only: one of any number of workers on a shared database (DATABASE_URL)."`
	Migrate     migrate      `cmd:"" help:"Bring the database's tables up to date, and end. (serve does so by itself.)"`
	Doctor      doctor       `cmd:"" uses:"all" help:"Check everything the platform needs, and say what to do about what is wrong."`
	Jobs        jobsMenu     `cmd:"" help:"See and retry the processing of videos."`
	Audit       audit        `cmd:"" help:"Read the audit log: sign-ups, sign-ins, publications, deletions and what organizers did."`
	Password    newPassword  `cmd:"" uses:"data PASSWORD_COST SECRET_KEY LOG_FORMAT LOG_LEVEL" help:"Give a player who has forgotten it another password, and print it."`
	Votes       votesMenu    `cmd:"" help:"Look into votes, and void those that were bought."`
	Videos      videosMenu   `cmd:"" help:"Take videos out of the public, and bring them back."`
	Accounts    accountsMenu `cmd:"" help:"Shut accounts, and open them."`
	Healthcheck healthcheck  `cmd:"" uses:"LISTEN_ADDR METRICS_ADDR" help:"Ask the program that runs here with the same settings whether it is ready; for container engines."`
	Import      importing    `cmd:"" help:"Move the contest of a DATA_DIR from SQLite to the PostgreSQL of DATABASE_URL, and end."`
	Storage     storageMenu  `cmd:"" uses:"DATA_DIR STORAGE_URL S3_ACCESS_KEY S3_SECRET_KEY LOG_FORMAT LOG_LEVEL" help:"Move the media between storages."`
	Backup      backup       `cmd:"" uses:"DATA_DIR STORAGE_URL S3_ACCESS_KEY S3_SECRET_KEY LOG_FORMAT LOG_LEVEL" help:"Write a verified copy of an embedded contest (SQLite in DATA_DIR) and its media to a new folder, also while it is served."`
	Restore     restore      `cmd:"" uses:"DATA_DIR LOG_FORMAT LOG_LEVEL" help:"Verify a backup and make an empty DATA_DIR out of it."`
	Version     showVer      `cmd:"" uses:"" help:"Print the version."`
}

// Run runs one command of the program. args do not contain the program's name; environment is a function like
// os.LookupEnv; results go to out, logs and usage errors to errOut. variables are the whole environment as os.Environ
// lists it, in which Run looks for misspelt settings. The end of ctx starts a graceful shutdown.
func Run(ctx context.Context, args []string, environment func(string) (string, bool), out, errOut io.Writer, variables ...string) error {
	var cli commands
	var exit *int
	given := config.NewEnvironment(environment)
	manager := secrets.NewManager(environment)
	given.ReadSecrets(func(name string) (string, error) { return manager.Secret(ctx, name) })
	parser, err := kong.New(&cli,
		kong.Name("risingstars"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ExplicitGroups(groups()),
		kong.ValueFormatter(config.Help),
		kong.Resolvers(given),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exit = &code }),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit != nil {
		return nil // kong has printed the help or the version
	}
	if err != nil {
		return fmt.Errorf("%w (see risingstars --help)", err)
	}
	misspelt := config.FindMisspelt(variables, flags(parsed)...)
	warn(parsed.Command(), &cli.Settings, misspelt, errOut)
	if err := errors.Join(given.Problems(), given.Flags(&cli.Settings), cli.PutPasswords(), cli.Check()); err != nil {
		return fmt.Errorf("settings:\n%w", err)
	}
	run := runner{
		ctx: ctx, command: parsed.Command(), settings: &cli.Settings, misspelt: misspelt, out: out, errOut: errOut,
	}
	if err := parsed.Run(&run); err != nil {
		return explained(&cli.Settings, err)
	}
	return nil
}

// flags returns the NAMEs of the settings that were given as flags.
func flags(parsed *kong.Context) (names []string) {
	for _, part := range parsed.Path {
		if part.Flag != nil && !part.Resolved {
			names = append(names, part.Flag.Tag.Get("setting"))
		}
	}
	return names
}

// warn logs the misspelt settings before missing settings are reported. It does nothing for doctor, which reports
// them itself, and version, which needs no settings.
func warn(command string, s *config.Settings, list []config.Misspelt, errOut io.Writer) {
	if command == "doctor" || command == "version" || len(list) == 0 {
		return
	}
	log, flush := newLogger(s, errOut)
	for _, m := range list {
		log.Warn("an environment variable looks like a setting and is none", "name", m.Name, "meant", m.Meant)
	}
	flush()
}

// Helper must be called at the beginning of main. In a process that this program has started to sandbox FFmpeg, it
// runs FFmpeg and does not return.
func Helper() { media.Helper() }

// runner is what every command's Run method gets.
type runner struct {
	ctx         context.Context //nolint:containedctx // lives as long as the command
	command     string
	settings    *config.Settings
	misspelt    []config.Misspelt
	out, errOut io.Writer
}

func groups() []kong.Group {
	titles := config.Groups()
	list := make([]kong.Group, 0, len(titles))
	for _, key := range []string{"web", "data", "people", "limits", "processing", "operations"} {
		list = append(list, kong.Group{Key: key, Title: titles[key]})
	}
	return list
}

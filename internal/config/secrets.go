package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// reference is the prefix of a value in AWS Secrets Manager: awssm://NAME is a whole secret, awssm://NAME#KEY is one
// value of a secret that is a JSON object. NAME may be an ARN.
const reference = "awssm://"

// ReadSecrets sets the function that reads a secret by name. Without it a reference is an error.
func (e *Environment) ReadSecrets(read func(name string) (string, error)) { e.secret = read }

// resolve replaces a reference by the secret. Its errors name the setting and the secret, and never contain a value.
func (e *Environment) resolve(setting, value string) (string, error) {
	name, ok := strings.CutPrefix(value, reference)
	if !ok {
		return value, nil
	}
	name, key, keyed := strings.Cut(name, "#")
	if name == "" || keyed && key == "" {
		return "", fmt.Errorf("%s: after %s comes the name of a secret, and after # a key, such as awssm://stars/database#password", setting, reference)
	}
	if e.secret == nil {
		return "", fmt.Errorf("%s: secrets cannot be read here", setting)
	}
	text, err := e.secret(name)
	if err == nil && keyed {
		text, err = valueIn(text, key)
	}
	text = strings.TrimRight(text, "\r\n")
	if err == nil && text == "" {
		err = errors.New("is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%s: secret %q: %w", setting, name, err)
	}
	return text, nil
}

// valueIn returns a text or number from a JSON object. Its errors do not describe what is wrong with the JSON,
// because that would quote it.
func valueIn(object, key string) (string, error) {
	var values map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &values) != nil || values == nil {
		return "", fmt.Errorf("is no JSON object, in which %q could be", key)
	}
	raw, ok := values[key]
	if !ok {
		return "", fmt.Errorf("has no %q", key)
	}
	var text string
	var number json.Number
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	if json.Unmarshal(raw, &number) == nil {
		return number.String(), nil
	}
	return "", fmt.Errorf("has something else than a text or a number as %q", key)
}

// Flags resolves the references among settings that were given as flags.
func (e *Environment) Flags(s *Settings) error {
	var problems []error
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.String {
			continue
		}
		text, err := e.resolve(v.Type().Field(i).Tag.Get("setting"), v.Field(i).String())
		v.Field(i).SetString(text)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// PutPasswords puts DATABASE_PASSWORD and REDIS_PASSWORD, escaped, into their URLs.
func (s *Settings) PutPasswords() error {
	return errors.Join(
		putPassword(&s.DatabaseURL, s.DatabasePassword, "DATABASE"), putPassword(&s.RedisURL, s.RedisPassword, "REDIS"))
}

func putPassword(text *string, password, of string) error {
	if password == "" {
		return nil
	}
	if *text == "" {
		return fmt.Errorf("%s_PASSWORD: goes with %s_URL; give both or neither", of, of)
	}
	u, err := url.Parse(*text)
	if err != nil {
		return nil //nolint:nilerr // Check says what is wrong with the URL
	}
	if _, has := u.User.Password(); has {
		return fmt.Errorf("%s_PASSWORD: %s_URL has a password as well; keep one", of, of)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	*text = u.String()
	return nil
}

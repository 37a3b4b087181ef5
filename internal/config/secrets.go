package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// reference begins a value that is in AWS Secrets Manager: awssm://NAME, the whole of a secret, or awssm://NAME#KEY, one
// value of a secret that is a JSON object. NAME may be an ARN.
const reference = "awssm://"

// ReadSecrets says how to read a secret by its name. Without it a reference is a problem.
func (e *Environment) ReadSecrets(read func(name string) (string, error)) { e.secret = read }

// resolve follows a reference. Errors name the setting and the secret, and never a value.
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

// valueIn is a text or number of a JSON object. Of what is wrong with the JSON nothing is said, since that would quote it.
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

// Flags follows the references among settings that were given as flags.
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

// PutPasswords puts DATABASE_PASSWORD and REDIS_PASSWORD into their URLs, escaped as they must be.
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

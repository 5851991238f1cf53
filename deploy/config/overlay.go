package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
)

// prefix begins every environment variable that sets a key: READTRAIL_LISTEN_HTTP sets listen.http.
const prefix = "READTRAIL_"

// clientVariables are no keys: commands that ask a server read them, the search for the engine, and the fault tests.
var clientVariables = map[string]bool{
	"READTRAIL_SERVER": true, "READTRAIL_TOKEN_FILE": true, "READTRAIL_CA_FILE": true,
	"READTRAIL_CONFIG": true, "READTRAIL_ENGINE_DIR": true, "READTRAIL_FAULT": true, "READTRAIL_FAULT_CLOCK": true, "READTRAIL_SOURCE_TOKENS": true,
}

// overlay sets keys from the environment. A variable that begins like ours and names no key is a fault: a typo must
// not pass unseen.
func overlay(c *Config, env []string) error {
	fields := map[string]reflect.Value{}
	collect(reflect.ValueOf(c).Elem(), prefix, fields)
	var faults []error
	for _, pair := range env {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || !strings.HasPrefix(name, prefix) || clientVariables[name] {
			continue
		}
		field, known := fields[name]
		if !known {
			faults = append(faults, fmt.Errorf("%s names no key of the configuration", name))
			continue
		}
		if err := set(field, text); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func collect(v reflect.Value, path string, out map[string]reflect.Value) {
	for i := range v.NumField() {
		name := path + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		if f := v.Field(i); f.Kind() == reflect.Struct {
			collect(f, name+"_", out)
		} else {
			out[name] = f
		}
	}
}

func set(field reflect.Value, text string) error {
	switch field.Interface().(type) {
	case string:
		field.SetString(text)
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("want true or false")
		}
		field.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("want a whole number")
		}
		field.SetInt(int64(n))
	case Size:
		n, err := ParseSize(text)
		if err != nil {
			return err
		}
		field.SetInt(int64(n))
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("want a duration such as 30s")
		}
		field.SetInt(int64(d))
	case detectors.Chosen:
		var chosen detectors.Chosen
		if err := yaml.Unmarshal([]byte(text), &chosen); err != nil {
			return err //nolint:wrapcheck // says what is wrong
		}
		field.Set(reflect.ValueOf(chosen))
	case detectors.SiteQueues:
		var queues detectors.SiteQueues
		if err := strict(text, &queues); err != nil {
			return err
		}
		field.Set(reflect.ValueOf(queues))
	case detectors.Exemptions:
		var exemptions detectors.Exemptions
		if err := strict(text, &exemptions); err != nil {
			return err
		}
		field.Set(reflect.ValueOf(exemptions))
	default:
		return fmt.Errorf("keys of type %s cannot be set from the environment", field.Type())
	}
	return nil
}

// strict reads YAML without a key that there is not.
func strict(text string, into any) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	return d.Decode(into) //nolint:wrapcheck // says what is wrong
}

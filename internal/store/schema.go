package store

import (
	"context"
	"database/sql"
	"fmt"
)

// schemaVersion goes up with each change of the tables; a file above it is
// refused, one below is migrated forward.
const schemaVersion = 2

// applicationID marks the file as ours (file(1) shows it).
const applicationID = 0x6c6c6d74 // "llmt"

// The record is one JSON value; the columns are what queries select by. A live
// row already has the outcome and class it gets if nobody ever finishes it.
// The index on start carries every column a filter needs, so that a list reads
// the index and then only the rows it returns.
const tables = `
CREATE TABLE calls (
	id TEXT PRIMARY KEY,
	start INTEGER NOT NULL,
	live INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	class TEXT NOT NULL,
	host TEXT NOT NULL,
	deployment TEXT NOT NULL,
	model TEXT NOT NULL,
	logical TEXT NOT NULL,
	record BLOB NOT NULL
);
CREATE INDEX calls_start ON calls (start, id, live, outcome, class, host, deployment, model);
CREATE INDEX calls_logical ON calls (logical) WHERE logical <> '';
CREATE INDEX calls_live ON calls (live) WHERE live <> 0;
CREATE TABLE findings (
	id TEXT PRIMARY KEY,
	state TEXT NOT NULL,
	updated INTEGER NOT NULL,
	finding BLOB NOT NULL
);
CREATE INDEX findings_updated ON findings (updated);
` + users

// users came with version 2: whose call it is. A list of one user's calls reads
// that user's rows only, however many others there are.
const users = `
ALTER TABLE calls ADD COLUMN user TEXT NOT NULL DEFAULT '';
CREATE INDEX calls_user ON calls (user, start, id) WHERE user <> '';
`

// fillUsers takes the user of the calls of version 1 from their records.
const fillUsers = `UPDATE calls SET user = coalesce(json_extract(CAST(record AS TEXT), '$.client.user'), '')
WHERE json_valid(CAST(record AS TEXT));`

// steps lead from a version to ours.
func steps(version int) string {
	if version == 0 {
		return tables
	}
	return users + fillUsers
}

// prepareSchema checks whose file it is, and of which age, then makes what is
// missing. The tables and their version appear in one transaction.
func prepareSchema(ctx context.Context, db *sql.DB) error {
	version, err := checkVersion(ctx, db)
	if err != nil || version == schemaVersion {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	stamp := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion)
	for _, q := range []string{steps(version), stamp} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			_ = tx.Rollback() // the reason is err
			return err
		}
	}
	return tx.Commit()
}

// checkVersion returns the schema version, 0 for an empty file.
func checkVersion(ctx context.Context, db *sql.DB) (int, error) {
	var version, app, things int
	row := db.QueryRowContext(ctx, `SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_user_version, pragma_application_id`)
	if err := row.Scan(&version, &app, &things); err != nil {
		return 0, err
	}
	switch {
	case things == 0 && version == 0:
		return 0, nil
	case app != applicationID:
		return 0, ErrForeign
	case version > schemaVersion:
		return 0, fmt.Errorf("%w (%d, this llmtap knows %d)", ErrNewer, version, schemaVersion)
	}
	return version, nil
}

// quickCheck lets SQLite look for damage; it reads the whole file.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

-- The fence: from here on the table takes an insert only when it carries the writer's name, whoever sends it and however
-- long it was on its way. The name travels in log_comment, the one setting of free text that every server takes, so an
-- insert costs nothing more. Run by: the projector, for each table, before it reads what is there. Cost: 4 ms, metadata only.
ALTER TABLE TABLE_NAME
    DROP CONSTRAINT IF EXISTS writer,
    ADD CONSTRAINT writer CHECK getSetting('log_comment') = {writer:String}

-- Which of some tables are there. Run by: a session's start, for tables of earlier releases. Cost: their rows of system.tables.
SELECT name FROM system.tables WHERE database = {database:String} AND name IN {tables:Array(String)}

-- Takes away what stands above the watermark, when an insert that was given up landed after all and doubled rows. Run by:
-- recovery, hardly ever. Cost: rewrites the newest parts.
ALTER TABLE TABLE_NAME DELETE WHERE position > {after:UInt64}
SETTINGS mutations_sync = 2

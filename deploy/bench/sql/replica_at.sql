-- Says which repetition comes next. Run before replica.sql.
INSERT INTO bench_at (k, slot, generation, first_n, first_sequence, every, remainder, shift, scatter, since, received, pace)
SELECT {k:UInt32}, {slot:UInt32}, {generation:UInt32}, {first_n:UInt64}, {first_sequence:UInt64}, {every:UInt32}, {remainder:UInt32},
       {shift:Int64}, {scatter:UInt64}, {since:Int64}, {received:Int64}, {pace:Float64}

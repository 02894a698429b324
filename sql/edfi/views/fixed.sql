-- One row: the descriptors that a mapping names itself, because no code of the SIS stands for them.
-- Reads: the crosswalk fixed (its codes are the column names here).
SELECT
    max(CASE WHEN code = 'cell_phone' THEN descriptor END) AS cell_phone,
    max(CASE WHEN code = 'course_identification_system' THEN descriptor END)
        AS course_identification_system,
    max(CASE WHEN code = 'district_category' THEN descriptor END) AS district_category,
    max(CASE WHEN code = 'district_kind' THEN descriptor END) AS district_kind,
    max(CASE WHEN code = 'email' THEN descriptor END) AS email,
    max(CASE WHEN code = 'home_address' THEN descriptor END) AS home_address,
    max(CASE WHEN code = 'home_phone' THEN descriptor END) AS home_phone,
    max(CASE WHEN code = 'instructional_day' THEN descriptor END) AS instructional_day,
    max(CASE WHEN code = 'mailing_address' THEN descriptor END) AS mailing_address,
    max(CASE WHEN code = 'program_assignment' THEN descriptor END) AS program_assignment,
    max(CASE WHEN code = 'school_category' THEN descriptor END) AS school_category,
    max(CASE WHEN code = 'secondary_email' THEN descriptor END) AS secondary_email,
    max(CASE WHEN code = 'staff_identification_system' THEN descriptor END)
        AS staff_identification_system,
    max(CASE WHEN code = 'work_phone' THEN descriptor END) AS work_phone
FROM xwalk_fixed

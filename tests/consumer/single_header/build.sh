$CXX -std=c++20 -I. main.cpp -o consumer
